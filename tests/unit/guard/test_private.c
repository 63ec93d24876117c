/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/guard.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "harness.h"

struct private_place {
	char dir[64], state_dir[96], run_dir[96];
	struct guard_options options;
};

static int setup(void **state)
{
	struct private_place *place = calloc(1, sizeof(*place));

	unsetenv("FAKE_RECORDER");
	fake_engine = (struct fake_engine){ 0 };
	strcpy(place->dir, "/tmp/guard-private-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	snprintf(place->state_dir, sizeof(place->state_dir), "%s/a/state", place->dir);
	snprintf(place->run_dir, sizeof(place->run_dir), "%s/run", place->dir);
	place->options =
		(struct guard_options){ .state_dir = place->state_dir, .run_dir = place->run_dir };
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct private_place *place = *state;

	place_remove_dir(place->dir);
	free(place);
	return 0;
}

static struct mf_c_hello_reply say_hello(int control)
{
	struct mf_c_hello request = { .head = CONTROL(MF_C_HELLO) };
	struct mf_c_hello_reply reply = { 0 };

	assert_int_equal(ipc_send(control, &request, sizeof(request), NULL), 0);
	assert_int_equal(ipc_recv(control, &reply, sizeof(reply), NULL), sizeof(reply));
	return reply;
}

/* The guard is no child: its end is known by its pidfd. */
static void gone(int pidfd)
{
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

	assert_int_equal(poll(&poll_fd, 1, 20000), 1);
}

static struct mf_c_open_reply open_blocking(int control, const struct server *server)
{
	struct mf_c_open request = open_request(server);
	struct ipc_fds fds = { .fd = { server->pidfd, -1, -1, -1 }, .count = 1 };
	_cleanup_ipc_fds_ struct ipc_fds got = IPC_FDS_NONE;
	struct mf_c_open_reply reply = { 0 };

	assert_int_equal(ipc_send(control, &request, sizeof(request), &fds), 0);
	assert_int_equal(ipc_recv(control, &reply, sizeof(reply), &got), sizeof(reply));
	return reply;
}

static void it_is_detached_in_every_way(void **state)
{
	struct private_place *place = *state;
	struct mf_c_hello_reply hello;
	_cleanup_fd_ int pidfd = -1;
	char path[64], target[256] = "", name[32] = "";
	struct proc_status status;
	int control, pair[2], fd;

	assert_int_equal(pipe(pair), 0); /* not close-on-exec: what a client's pipes are */
	assert_int_equal(guard_start_private(&place->options, &control), 0);
	hello = say_hello(control);
	assert_int_equal(hello.head.error, 0);
	assert_int_equal(hello.private_guard, 1);
	pidfd = pidfd_of((pid_t)hello.guard_pid);
	for (fd = 0; fd < 3; fd++) {
		snprintf(path, sizeof(path), "/proc/%u/fd/%d", hello.guard_pid, fd);
		assert_true(readlink(path, target, sizeof(target) - 1) > 0);
		assert_string_equal(target, "/dev/null");
	}
	/* neither guard nor recorder hold the pipe: its reader sees the end */
	close(pair[1]);
	assert_int_equal(read(pair[0], target, 1), 0);
	close(pair[0]);
	assert_int_equal(proc_status((pid_t)hello.guard_pid, &status), 0);
	assert_true(status.ppid != getpid());
	assert_true(getsid((pid_t)hello.guard_pid) != getsid(0));
	snprintf(path, sizeof(path), "/proc/%u/comm", hello.guard_pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, name, sizeof(name) - 1) > 0);
	close(fd);
	assert_string_equal(name, "mcpfloor-guard\n");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	close(control);
	gone(pidfd);
}

static void limits_of_its_caller_are_not_its_own(void **state)
{
	struct private_place *place = *state;
	struct rlimit before[2], tight, now;
	static const int kinds[] = { RLIMIT_FSIZE, RLIMIT_CPU };
	struct mf_c_hello_reply hello;
	int control, err;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		assert_int_equal(getrlimit(kinds[i], &before[i]), 0);
		tight = (struct rlimit){ 1 << 20, before[i].rlim_max };
		assert_int_equal(setrlimit(kinds[i], &tight), 0);
	}
	err = guard_start_private(&place->options, &control);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		assert_int_equal(setrlimit(kinds[i], &before[i]), 0);
	assert_int_equal(err, 0);
	hello = say_hello(control);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		assert_int_equal(prlimit((pid_t)hello.guard_pid, kinds[i], NULL, &now), 0);
		assert_true(now.rlim_cur == before[i].rlim_max);
		assert_int_equal(prlimit((pid_t)hello.recorder_pid, kinds[i], NULL, &now), 0);
		assert_true(now.rlim_cur == before[i].rlim_max);
	}
	close(control);
}

static void a_subreaper_does_not_get_it_back(void **state)
{
	struct private_place *place = *state;
	_cleanup_fd_ int pidfd = -1;
	int control, subreaper = 0;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	assert_int_equal(guard_start_private(&place->options, &control), 0);
	pidfd = pidfd_of((pid_t)say_hello(control).guard_pid);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	assert_int_equal(subreaper, 1);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	close(control);
	gone(pidfd);
}

static void state_directories_are_made_closed(void **state)
{
	struct private_place *place = *state;
	_cleanup_fd_ int pidfd = -1;
	char path[128];
	struct stat st;
	int control;

	umask(0);
	assert_int_equal(guard_start_private(&place->options, &control), 0);
	pidfd = pidfd_of((pid_t)say_hello(control).guard_pid);
	umask(022);
	assert_int_equal(stat(place->state_dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	snprintf(path, sizeof(path), "%s/log", place->state_dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(place->run_dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	close(control);
	gone(pidfd);
}

static void an_unusable_state_directory_is_told_by_hello_and_open(void **state)
{
	struct private_place *place = *state;
	struct server server = server_start(NULL);
	struct mf_c_hello_reply hello;
	struct mf_c_open_reply opened;
	_cleanup_fd_ int pidfd = -1;
	int control;

	place->options.state_dir = "/proc/nowhere";
	assert_int_equal(guard_start_private(&place->options, &control), 0);
	hello = say_hello(control);
	assert_true(hello.head.error < 0);
	assert_int_equal(hello.head.detail, MF_D_STATE_DIR);
	opened = open_blocking(control, &server);
	assert_true(opened.head.error < 0);
	assert_int_equal(opened.head.detail, MF_D_STATE_DIR);
	pidfd = pidfd_of((pid_t)hello.guard_pid);
	close(control);
	gone(pidfd);
	server_reap(&server);
}

static void others_may_ask_but_not_open(void **state)
{
	struct private_place *place = *state;
	struct server server = server_start(NULL);
	struct mf_c_hello_reply hello;
	struct mf_c_open request = open_request(&server);
	struct ipc_fds fds = { .fd = { server.pidfd, -1, -1, -1 }, .count = 1 };
	_cleanup_fd_ int pidfd = -1;
	char path[160], byte;
	struct stat st;
	int control, second;

	assert_int_equal(guard_start_private(&place->options, &control), 0);
	hello = say_hello(control);
	pidfd = pidfd_of((pid_t)hello.guard_pid);
	snprintf(path, sizeof(path), "%s/guard-%u.sock", place->run_dir, hello.guard_pid);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	second = ipc_connect(path, SOCK_SEQPACKET);
	assert_true(second >= 0);
	assert_int_equal(say_hello(second).guard_pid, hello.guard_pid);
	assert_int_equal(ipc_send(second, &request, sizeof(request), &fds), 0);
	assert_int_equal(ipc_recv(second, &byte, 1, NULL), 0);
	close(second);
	close(control);
	gone(pidfd);
	assert_int_equal(access(path, F_OK), -1);
	server_reap(&server);
}

static void signals_of_a_shutdown_do_not_end_it_before_its_session(void **state)
{
	static const int sent[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE };
	struct private_place *place = *state;
	_cleanup_fd_ int pidfd = -1;
	int control;

	assert_int_equal(guard_start_private(&place->options, &control), 0);
	pidfd = pidfd_of((pid_t)say_hello(control).guard_pid);
	for (size_t i = 0; i < ARRAY_LEN(sent); i++)
		assert_int_equal(pidfd_signal(pidfd, sent[i]), 0);
	say_hello(control);
	close(control);
	gone(pidfd);
}

static void the_relays_death_ends_server_session_and_guard(void **state)
{
	struct private_place *place = *state;
	struct server server = server_start(NULL);
	struct mf_c_open_reply opened;
	_cleanup_fd_ int guard_fd = -1, recorder_fd = -1;
	struct mf_c_hello_reply hello;
	siginfo_t info = { 0 };
	int control;

	assert_int_equal(guard_start_private(&place->options, &control), 0);
	opened = open_blocking(control, &server);
	assert_int_equal(opened.head.error, 0);
	hello = say_hello(control);
	guard_fd = pidfd_of((pid_t)hello.guard_pid);
	recorder_fd = pidfd_of((pid_t)hello.recorder_pid);
	close(control); /* what a SIGKILL of the relay does */
	assert_int_equal(waitid(P_PIDFD, (id_t)server.pidfd, &info, WEXITED), 0);
	assert_int_equal(info.si_code, CLD_KILLED);
	close_fd(server.pidfd);
	gone(guard_fd);
	gone(recorder_fd);
	assert_false(cgroup_there(opened.session));
}

static unsigned entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;
	struct dirent *entry;

	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static void two_hundred_rounds_leave_nothing(void **state)
{
	struct private_place *place = *state;
	size_t before = count_fds();

	for (int i = 0; i < 200; i++) {
		_cleanup_fd_ int guard_fd = -1, recorder_fd = -1;
		struct mf_c_hello_reply hello;
		struct mf_c_open_reply opened = { 0 };
		int control;

		assert_int_equal(guard_start_private(&place->options, &control), 0);
		if (i % 4) {
			struct server server = server_start(NULL);

			opened = open_blocking(control, &server);
			assert_int_equal(opened.head.error, 0);
			server_reap(&server);
		}
		hello = say_hello(control);
		guard_fd = pidfd_of((pid_t)hello.guard_pid);
		recorder_fd = pidfd_of((pid_t)hello.recorder_pid);
		close(control);
		gone(guard_fd);
		gone(recorder_fd);
		assert_false(cgroup_there(opened.session));
	}
	assert_int_equal(count_fds(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(entries(place->run_dir), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(it_is_detached_in_every_way),
		TEST(limits_of_its_caller_are_not_its_own),
		TEST(a_subreaper_does_not_get_it_back),
		TEST(state_directories_are_made_closed),
		TEST(an_unusable_state_directory_is_told_by_hello_and_open),
		TEST(others_may_ask_but_not_open),
		TEST(signals_of_a_shutdown_do_not_end_it_before_its_session),
		TEST(the_relays_death_ends_server_session_and_guard),
		TEST(two_hundred_rounds_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
