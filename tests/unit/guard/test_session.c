/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/session.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "abi/policy.h"
#include "harness.h"

static int setup(void **state)
{
	unsetenv("FAKE_RECORDER");
	*state = place_make();
	return 0;
}

static int teardown(void **state)
{
	place_drop(*state);
	return 0;
}

static void an_opened_session_has_page_journal_and_coverage(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = place_client(place);
	struct server server = server_start(NULL);
	struct mf_c_open_reply reply = place_open(place, client, &server);

	assert_true(reply.session != 0);
	assert_true(reply.coverage & MF_COV_LINEAGE);
	assert_int_equal(reply.mounts, 3);
	place_hear(place, "fds=1\n"); /* the journal reached the recorder */
	place_hear(place, "barrier 77"); /* its question was answered */
	assert_int_equal(fake_engine.drained, 1);
	server_reap(&server);
	place_end(place, client);
}

static void a_session_has_the_id_that_the_engine_was_told_beforehand(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int first = place_client(place);
	_cleanup_fd_ int second = place_client(place);
	struct server server[2] = { server_start(NULL), server_start(NULL) };
	uint64_t expected;

	place_open(place, first, &server[0]);
	expected = fake_engine.expected;
	assert_true(expected != 0);
	assert_true(place_open(place, second, &server[1]).session == expected);
	assert_true(fake_engine.expected != expected);
	for (int i = 0; i < 2; i++)
		server_reap(&server[i]);
	place_end(place, first);
	place_end(place, second);
}

static void the_recorder_has_only_its_own_descriptors(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = place_client(place);
	struct server server = server_start(NULL);

	place_open(place, client, &server);
	place_hear(place, "start fds=4 ring=1048576"); /* guard, log, ring, counters */
	server_reap(&server);
	place_end(place, client);
}

static void a_session_ends_with_nothing_left(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = place_client(place);
	struct server server = server_start(NULL);
	struct mf_c_open_reply opened = place_open(place, client, &server);
	struct mf_c_end_reply ended;

	server_reap(&server);
	ended = place_end(place, client);
	assert_int_equal(ended.killed, 0);
	assert_int_equal(ended.survived, 0);
	assert_int_equal(fake_engine.removed, 1);
	assert_false(cgroup_there(opened.session));
	place_hear(place, "relay_died=0 killed=0");
}

static void leftovers_are_named_then_killed(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = place_client(place);
	/* the child is called sleep from its exec on */
	struct server server = server_start("sleep 1000 & while read -r name </proc/$!/comm && "
					    "[ $name != sleep ]; do :; done; echo >&9; wait");
	struct mf_c_end_reply ended;

	place_open(place, client, &server);
	/* the sleep was born before the session, so it is outside the cgroup: the tag finds it */
	pidfd_signal(server.pidfd, SIGKILL);
	assert_int_equal(waitpid(server.pid, NULL, 0), server.pid);
	ended = place_end(place, client);
	assert_int_equal(ended.killed, 1);
	assert_int_equal(ended.survived, 0);
	assert_string_equal(ended.leftovers[0].comm, "sleep");
	assert_non_null(strstr(ended.leftovers[0].exe, "/"));
	assert_int_equal(ended.leftovers[0].birth, 0x20001);
	close_fd(server.pidfd);
}

static void an_untagged_process_in_the_cgroup_is_killed_too(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = -1;
	struct server server;
	struct mf_c_end_reply ended;

	if (!cgroups_usable()) {
		print_message("# skip: no writable cgroup2\n");
		skip();
	}
	client = place_client(place);
	server = server_start(NULL);
	place_open(place, client, &server);
	fake_engine.hide_tasks = true;
	ended = place_end(place, client);
	assert_int_equal(ended.killed, 1);
	assert_int_equal(ended.leftovers[0].pid, server.pid);
	assert_true(ended.leftovers[0].birth == MF_BIRTH_UNKNOWN);
	server_reap(&server);
}

static void a_vanished_owner_takes_its_session_along(void **state)
{
	struct place *place = *state;
	int client = place_client(place);
	struct server server = server_start("sleep 1000 & sleep 1001 & echo >&9; wait");
	struct mf_c_open_reply opened = place_open(place, client, &server);
	siginfo_t info = { 0 };

	close(client);
	place_settle(place);
	assert_int_equal(waitid(P_PIDFD, (id_t)server.pidfd, &info, WEXITED), 0);
	assert_int_equal(info.si_code, CLD_KILLED);
	close_fd(server.pidfd);
	assert_false(cgroup_there(opened.session));
	place_hear(place, "relay_died=1 killed=3 survived=0");
}

static void a_failed_open_is_undone_whole(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = place_client(place);
	struct server server = server_start(NULL);
	struct mf_c_open request = open_request(&server);
	struct ipc_fds fds = { .fd = { server.pidfd, -1, -1, -1 }, .count = 1 };
	struct mf_c_open_reply reply;
	size_t before;

	place_open(place, client, &server); /* what is opened once and stays */
	place_end(place, client);
	server_reap(&server);
	close_fd(client);
	while (place->guard.connections)
		guard_turn(&place->guard, 0);
	client = place_client(place);
	server = server_start(NULL);
	fds.fd[0] = server.pidfd;
	request = open_request(&server);
	before = count_fds();
	fake_engine.add_error = -ENOMEM;
	assert_int_equal(ipc_send(client, &request, sizeof(request), &fds), 0);
	assert_int_equal(place_answer(place, client, &reply, sizeof(reply), NULL), sizeof(reply));
	assert_int_equal(reply.head.error, -ENOMEM);
	assert_int_equal(reply.head.detail, MF_D_TAG);
	assert_int_equal(count_fds(), before);
	assert_null(place->guard.sessions);
	/* the connection may try again */
	fake_engine.add_error = 0;
	place_open(place, client, &server);
	server_reap(&server);
	place_end(place, client);
}

static void a_policy_that_was_brought_outlives_a_failed_open(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = place_client(place);
	struct server server = server_start(NULL);
	struct mf_c_open request = open_request(&server);
	struct ipc_fds fds = { .fd = { server.pidfd, -1, -1, -1 }, .count = 1 };
	struct brought_policy *brought;
	struct mf_c_open_reply reply;
	int fd;

	while (!place->guard.connections)
		guard_turn(&place->guard, 0);
	brought = &place->guard.connections->policy;
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC); /* no image, which is seen only now */
	*brought = (struct brought_policy){ .fd = fd, .mode = MF_POL_AUDIT, .name = "p" };
	assert_int_equal(ipc_send(client, &request, sizeof(request), &fds), 0);
	assert_int_equal(place_answer(place, client, &reply, sizeof(reply), NULL), sizeof(reply));
	assert_int_equal(reply.head.error, -EFBIG);
	assert_int_equal(reply.head.detail, MF_D_POLICY);
	assert_int_equal(brought->fd, fd);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(brought->mode, MF_POL_AUDIT);
	server_reap(&server);
}

static void an_engine_that_cannot_load_says_why_and_its_sessions_id_is_used_up(void **state)
{
	struct place *place = *state;
	uint64_t failed;
	_cleanup_fd_ int client = place_client(place);
	struct server server = server_start(NULL);
	struct mf_c_open request = open_request(&server);
	struct ipc_fds fds = { .fd = { server.pidfd, -1, -1, -1 }, .count = 1 };
	struct mf_c_open_reply reply;

	session_expect(&place->guard);
	failed = place->guard.expected_id;
	fake_engine.open_error = -ENOENT;
	fake_engine.open_detail = MF_D_NO_BTF;
	assert_int_equal(ipc_send(client, &request, sizeof(request), &fds), 0);
	place_answer(place, client, &reply, sizeof(reply), NULL);
	assert_int_equal(reply.head.detail, MF_D_NO_BTF);
	fake_engine.open_error = 0;
	assert_true(failed && place_open(place, client, &server).session != failed);
	server_reap(&server);
	place_end(place, client);
}

static void sigterm_reaches_every_process_of_the_session(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = place_client(place);
	struct server server = server_start("sleep 1000 & echo >&9; wait");
	struct mf_c_signal request = { .head = CONTROL(MF_C_SIGNAL), .signo = SIGTERM };
	struct mf_control reply;
	siginfo_t info = { 0 };

	place_open(place, client, &server);
	place_ask(place, client, &request, sizeof(request), &reply, sizeof(reply), NULL);
	assert_int_equal(reply.error, 0);
	assert_int_equal(waitid(P_PIDFD, (id_t)server.pidfd, &info, WEXITED), 0);
	assert_int_equal(info.si_status, SIGTERM);
	close_fd(server.pidfd);
	place_end(place, client);
}

static void two_sessions_of_one_name_are_two(void **state)
{
	struct place *place = *state;
	int one = place_client(place), two = place_client(place);
	struct server a = server_start(NULL), b = server_start(NULL);
	struct mf_c_open_reply first = place_open(place, one, &a);
	struct mf_c_open_reply second = place_open(place, two, &b);
	siginfo_t info = { 0 };

	assert_true(first.session != second.session);
	assert_true(first.slot != second.slot);
	close(one);
	assert_int_equal(waitid(P_PIDFD, (id_t)a.pidfd, &info, WEXITED | WNOWAIT | WNOHANG), 0);
	while (place->guard.session_count == 2)
		guard_turn(&place->guard, 0);
	assert_true(pidfd_alive(b.pidfd)); /* the other lives on */
	server_reap(&a);
	server_reap(&b);
	close(two);
	place_settle(place);
}

static void five_hundred_sessions_leave_no_descriptor(void **state)
{
	struct place *place = *state;
	size_t before = 0;

	for (int i = 0; i < 500; i++) {
		int client = place_client(place);
		struct server server = server_start(NULL);

		place_open(place, client, &server);
		if (i % 2) {
			place_end(place, client);
			close(client);
		} else {
			close(client);
			place_settle(place);
		}
		server_reap(&server);
		while (place->guard.connections)
			guard_turn(&place->guard, 0);
		if (i == 0)
			before = count_fds();
	}
	assert_int_equal(count_fds(), before);
	assert_int_equal(fake_engine.added, 500);
	assert_int_equal(fake_engine.removed, 500);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_opened_session_has_page_journal_and_coverage,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_session_has_the_id_that_the_engine_was_told_beforehand, setup, teardown),
		cmocka_unit_test_setup_teardown(the_recorder_has_only_its_own_descriptors, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_session_ends_with_nothing_left, setup, teardown),
		cmocka_unit_test_setup_teardown(leftovers_are_named_then_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(an_untagged_process_in_the_cgroup_is_killed_too,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_vanished_owner_takes_its_session_along, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_failed_open_is_undone_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(a_policy_that_was_brought_outlives_a_failed_open,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_engine_that_cannot_load_says_why_and_its_sessions_id_is_used_up, setup,
			teardown),
		cmocka_unit_test_setup_teardown(sigterm_reaches_every_process_of_the_session, setup,
						teardown),
		cmocka_unit_test_setup_teardown(two_sessions_of_one_name_are_two, setup, teardown),
		cmocka_unit_test_setup_teardown(five_hundred_sessions_leave_no_descriptor, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
