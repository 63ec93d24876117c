/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/guard.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "harness.h"

struct daemon_place {
	char dir[64], state_dir[96], run_dir[96], control[128], query[128];
	pid_t pid;
};

/* Starts it; its errors go to `errors`, a file in the directory. */
static pid_t start(const struct daemon_place *place)
{
	struct guard_options options = { .state_dir = place->state_dir, .run_dir = place->run_dir };
	pid_t pid = fork();

	if (pid == 0) {
		char path[128];
		int fd;

		snprintf(path, sizeof(path), "%s/errors", place->dir);
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(fd, 2);
		close_range(3, ~0U, 0);
		_exit(guard_run_daemon(&options));
	}
	return pid;
}

static int connect_when_there(const struct daemon_place *place)
{
	uint64_t until = clock_mono_ns() + 20 * NS_PER_S;

	while (clock_mono_ns() < until) {
		int sock = ipc_connect(place->control, SOCK_SEQPACKET);

		if (sock >= 0)
			return sock;
		poll(NULL, 0, 2);
	}
	fail_msg("no daemon");
	return -1;
}

static int exit_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int setup(void **state)
{
	struct daemon_place *place = calloc(1, sizeof(*place));

	unsetenv("FAKE_RECORDER");
	fake_engine = (struct fake_engine){ 0 };
	strcpy(place->dir, "/tmp/guard-daemon-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	snprintf(place->state_dir, sizeof(place->state_dir), "%s/state", place->dir);
	snprintf(place->run_dir, sizeof(place->run_dir), "%s/run", place->dir);
	snprintf(place->control, sizeof(place->control), "%s/control.sock", place->run_dir);
	snprintf(place->query, sizeof(place->query), "%s/query.sock", place->run_dir);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct daemon_place *place = *state;

	unsetenv("FAKE_RECORDER");
	place_remove_dir(place->dir);
	free(place);
	return 0;
}

static void every_user_may_reach_the_sockets_and_nobody_the_log(void **state)
{
	struct daemon_place *place = *state;
	pid_t pid = start(place);
	_cleanup_fd_ int sock = connect_when_there(place);
	struct stat st;

	assert_true(sock >= 0);
	assert_int_equal(stat(place->control, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	assert_int_equal(stat(place->query, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	assert_int_equal(stat(place->run_dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(stat(place->state_dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	kill(pid, SIGTERM);
	assert_int_equal(exit_of(pid), 0);
	assert_int_equal(access(place->control, F_OK), -1);
	assert_int_equal(access(place->query, F_OK), -1);
}

static void a_second_daemon_is_refused(void **state)
{
	struct daemon_place *place = *state;
	pid_t pid = start(place);
	_cleanup_fd_ int sock = connect_when_there(place), again = -1;

	assert_true(sock >= 0);
	assert_int_equal(exit_of(start(place)), 1);
	again = ipc_connect(place->control, SOCK_SEQPACKET); /* the first goes on */
	assert_true(again >= 0);
	kill(pid, SIGINT);
	assert_int_equal(exit_of(pid), 0);
}

static void an_engine_that_cannot_load_ends_the_start(void **state)
{
	struct daemon_place *place = *state;
	char path[128], text[256] = "";
	int fd;

	fake_engine.open_error = -ENOENT;
	fake_engine.open_detail = MF_D_NO_BTF;
	assert_int_equal(exit_of(start(place)), 1);
	assert_int_equal(access(place->control, F_OK), -1);
	snprintf(path, sizeof(path), "%s/errors", place->dir);
	fd = open(path, O_RDONLY);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_non_null(strstr(text, "no BTF"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
}

static void servers_outlive_the_daemon_and_their_relay_is_told(void **state)
{
	struct daemon_place *place = *state;
	pid_t pid = start(place);
	int sock = connect_when_there(place);
	struct server server = server_start(NULL);
	struct mf_c_open request = open_request(&server);
	struct ipc_fds fds = { .fd = { server.pidfd, -1, -1, -1 }, .count = 1 }, got;
	struct mf_c_open_reply reply;
	struct mf_c_end_reply ended;

	assert_int_equal(ipc_send(sock, &request, sizeof(request), &fds), 0);
	assert_int_equal(ipc_recv(sock, &reply, sizeof(reply), &got), sizeof(reply));
	assert_int_equal(reply.head.error, 0);
	ipc_fds_close(&got);
	kill(pid, SIGTERM);
	assert_int_equal(ipc_recv(sock, &reply, sizeof(reply), NULL), 0);
	assert_int_equal(exit_of(pid), 0);
	assert_true(pidfd_alive(server.pidfd));
	guard_end_orphan(reply.session, &ended);
	server_reap(&server);
	close(sock);
}

static void without_a_recorder_a_query_ends_at_once(void **state)
{
	struct daemon_place *place = *state;
	struct pollfd ended = { .events = POLLIN };
	struct mf_c_hello request = { .head = CONTROL(MF_C_HELLO) };
	struct mf_c_hello_reply reply = { .recorder_pid = 1 };
	pid_t pid = start(place);
	int sock = connect_when_there(place);
	uint64_t until = clock_mono_ns() + 20 * NS_PER_S;

	while (reply.recorder_pid) {
		assert_true(clock_mono_ns() < until);
		assert_int_equal(ipc_send(sock, &request, sizeof(request), NULL), 0);
		assert_int_equal(ipc_recv(sock, &reply, sizeof(reply), NULL), sizeof(reply));
		if (reply.recorder_pid)
			kill((pid_t)reply.recorder_pid,
			     SIGKILL); /* the daemon's child in this test */
		poll(NULL, 0, 5);
	}
	ended.fd = ipc_connect(place->query, SOCK_STREAM);
	assert_true(ended.fd >= 0);
	assert_int_equal(poll(&ended, 1, 20000), 1);
	close(ended.fd);
	close(sock);
	kill(pid, SIGTERM);
	assert_int_equal(exit_of(pid), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(every_user_may_reach_the_sockets_and_nobody_the_log),
		TEST(a_second_daemon_is_refused),
		TEST(an_engine_that_cannot_load_ends_the_start),
		TEST(servers_outlive_the_daemon_and_their_relay_is_told),
		TEST(without_a_recorder_a_query_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
