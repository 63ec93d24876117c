/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"

#define PATIENCE_NS (20 * NS_PER_S)

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

int place_remove_dir(const char *dir)
{
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct place *place_make(void)
{
	struct place *place = calloc(1, sizeof(*place));
	struct guard_options options = { .state_dir = place->dir };

	fake_engine = (struct fake_engine){ 0 };
	strcpy(place->dir, "/tmp/guard-test-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	assert_int_equal(guard_prepare(&place->guard, &options, false), 0);
	place->guard.sweep_at_ns = 0;
	return place;
}

void place_drop(struct place *place)
{
	guard_release(&place->guard);
	place_remove_dir(place->dir);
	free(place);
}

int place_client(struct place *place)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(control_adopt(&place->guard, pair[1], CONN_FRESH, NULL), 0);
	return pair[0];
}

static void turn(struct place *place)
{
	assert_int_equal(guard_turn(&place->guard, clock_mono_ns() + 5 * NS_PER_MS), 0);
}

ssize_t place_answer(struct place *place, int client, void *packet, size_t size,
		     struct ipc_fds *ret_fds)
{
	uint64_t until = clock_mono_ns() + PATIENCE_NS;

	while (clock_mono_ns() < until) {
		ssize_t got = ipc_recv(client, packet, size, ret_fds);

		if (got >= 0)
			return got;
		if (got == -ECONNRESET) /* closed with packets of ours unread */
			return 0;
		assert_int_equal(got, -EAGAIN);
		turn(place);
	}
	fail_msg("no answer");
	return -1;
}

ssize_t place_ask(struct place *place, int client, const void *packet, size_t size, void *reply,
		  size_t reply_size, struct ipc_fds *ret_fds)
{
	assert_int_equal(ipc_send(client, packet, size, NULL), 0);
	return place_answer(place, client, reply, reply_size, ret_fds);
}

bool place_heard(const struct place *place, const char *text)
{
	char path[96], heard[65536];
	_cleanup_fd_ int fd = -1;
	ssize_t size;

	snprintf(path, sizeof(path), "%s/log/heard", place->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? 0 : read(fd, heard, sizeof(heard) - 1);
	heard[size < 0 ? 0 : size] = '\0';
	return strstr(heard, text) != NULL;
}

void place_hear(struct place *place, const char *text)
{
	uint64_t until = clock_mono_ns() + PATIENCE_NS;

	while (!place_heard(place, text)) {
		if (clock_mono_ns() > until)
			fail_msg("never heard: %s", text);
		turn(place);
	}
}

void place_settle(struct place *place)
{
	uint64_t until = clock_mono_ns() + PATIENCE_NS;

	while (place->guard.sessions) {
		assert_true(clock_mono_ns() < until);
		turn(place);
	}
}

struct server server_start(const char *script)
{
	struct server server = { .pid = -1 };
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	server.pid = fork();
	assert_true(server.pid >= 0);
	if (server.pid == 0) {
		setsid();
		dup2(ready[1], 9);
		/* a client's socket that lived on here would keep its connection */
		close_range(3, 8, 0);
		close_range(10, ~0U, 0);
		/* the shell says so itself, once what it starts is there */
		if (script) {
			execl("/bin/sh", "sh", "-c", script, (char *)NULL);
			_exit(127);
		}
		if (write(9, "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	server.pidfd = pidfd_of(server.pid);
	assert_true(server.pidfd >= 0);
	return server;
}

void server_reap(struct server *server)
{
	pidfd_signal(server->pidfd, SIGKILL);
	assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
	server->pidfd = close_fd(server->pidfd);
}

struct mf_c_open open_request(const struct server *server)
{
	return (struct mf_c_open){ .head = CONTROL(MF_C_OPEN),
				   .name = "crm",
				   .tenant = "acme",
				   .child_pid = (uint32_t)server->pid };
}

struct mf_c_open_reply place_open(struct place *place, int client, const struct server *server)
{
	struct mf_c_open request = open_request(server);
	struct ipc_fds fds = { .fd = { server->pidfd, -1, -1, -1 }, .count = 1 };
	_cleanup_ipc_fds_ struct ipc_fds got = IPC_FDS_NONE;
	struct mf_c_open_reply reply = { 0 };

	assert_int_equal(ipc_send(client, &request, sizeof(request), &fds), 0);
	assert_int_equal(place_answer(place, client, &reply, sizeof(reply), &got), sizeof(reply));
	assert_int_equal(reply.head.error, 0);
	assert_int_equal(got.count, 2);
	return reply;
}

struct mf_c_end_reply place_end(struct place *place, int client)
{
	struct mf_c_end request = { .head = CONTROL(MF_C_END) };
	struct mf_c_end_reply reply = { 0 };

	assert_int_equal(
		place_ask(place, client, &request, sizeof(request), &reply, sizeof(reply), NULL),
		sizeof(reply));
	assert_int_equal(reply.head.kind, MF_C_END);
	return reply;
}

size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static int own_cgroup(void)
{
	struct proc_numbers numbers;
	_cleanup_fd_ int pidfd = pidfd_of(getpid());

	assert_int_equal(proc_numbers(pidfd, &numbers), 0);
	return cgroup_of(numbers.proc);
}

bool cgroups_usable(void)
{
	struct cgroup_owner owner = { .version = MF_ABI_VERSION };
	struct cgroup cgroup = CGROUP_NONE;
	int parent = own_cgroup();

	if (parent < 0)
		return false;
	if (cgroup_create(parent, (uint64_t)getpid(), &owner, &cgroup)) {
		close_fd(parent);
		return false;
	}
	cgroup_remove_at(parent, cgroup.name);
	cgroup_close(&cgroup);
	return true;
}

bool cgroup_there(uint64_t session)
{
	_cleanup_fd_ int parent = own_cgroup();
	char name[64];

	snprintf(name, sizeof(name), CGROUP_PREFIX "%016llx", (unsigned long long)session);
	return parent >= 0 && faccessat(parent, name, F_OK, 0) == 0;
}
