/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/spawn.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "harness.h"

static int setup(void **state)
{
	unsetenv("FAKE_RECORDER");
	*state = place_make();
	return 0;
}

static int teardown(void **state)
{
	unsetenv("FAKE_RECORDER");
	place_drop(*state);
	return 0;
}

static uint32_t state_of_first(struct place *place, int client)
{
	struct mf_c_list request = { .head = CONTROL(MF_C_LIST) };
	struct mf_c_list_reply reply = { 0 };

	place_ask(place, client, &request, sizeof(request), &reply, sizeof(reply), NULL);
	assert_int_equal(reply.head.error, 0);
	return reply.state;
}

static void a_killed_recorder_has_a_successor_and_the_owner_a_new_journal(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = place_client(place);
	_cleanup_ipc_fds_ struct ipc_fds fds = IPC_FDS_NONE;
	struct server server = server_start(NULL);
	struct mf_control said;
	pid_t first;

	place_open(place, client, &server);
	place_hear(place, "resumed=0");
	first = place->guard.recorder.pid;
	pidfd_signal(place->guard.recorder.death.fd, SIGKILL);
	assert_int_equal(place_answer(place, client, &said, sizeof(said), &fds), sizeof(said));
	assert_int_equal(said.kind, MF_C_JOURNAL);
	assert_int_equal(fds.count, 1);
	assert_true(place->guard.recorder.pid != first);
	assert_int_equal(place->guard.stats.recorder_restarts, 1);
	place_hear(place, "resumed=1");
	assert_int_equal(state_of_first(place, client), MF_S_OBSERVING);
	server_reap(&server);
}

static void a_successor_gets_no_descriptor_more_than_the_first(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = place_client(place);
	struct server server = server_start(NULL);

	place_open(place, client, &server);
	pidfd_signal(place->guard.recorder.death.fd, SIGKILL);
	place_hear(place, "resumed=1");
	assert_true(place_heard(place, "start fds=4"));
	for (int i = 5; i < 40; i++) {
		char text[16];

		snprintf(text, sizeof(text), "fds=%d r", i);
		assert_false(place_heard(place, text));
	}
	server_reap(&server);
}

static void after_five_quick_deaths_there_is_no_recorder(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = -1;
	struct server server = server_start(NULL);
	uint64_t until = clock_mono_ns() + 20 * NS_PER_S;
	unsigned char journals[64];

	setenv("FAKE_RECORDER", "die", 1);
	client = place_client(place);
	place_open(place, client, &server);
	while (!place->guard.recorder.given_up) {
		assert_true(clock_mono_ns() < until);
		guard_turn(&place->guard, clock_mono_ns() + 5 * NS_PER_MS);
	}
	assert_int_equal(place->guard.stats.recorder_restarts, 5);
	while (ipc_recv(client, journals, sizeof(journals), NULL) > 0)
		;
	assert_int_equal(state_of_first(place, client), MF_S_NO_RECORDER);
	assert_true(pidfd_alive(server.pidfd)); /* the session goes on */
	server_reap(&server);
	place_end(place, client);
	/* the next session has another try */
	unsetenv("FAKE_RECORDER");
	close_fd(client);
	client = place_client(place);
	server = server_start(NULL);
	place_open(place, client, &server);
	assert_int_equal(state_of_first(place, client), MF_S_OBSERVING);
	server_reap(&server);
}

static void a_recorder_that_does_not_read_holds_up_nobody(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = -1;
	struct server server = server_start(NULL);
	struct mf_c_list ask = { .head = CONTROL(MF_C_STATS) };
	struct mf_c_stats_reply reply;
	struct mf_r_token token = { .head = { MF_ABI_VERSION, MF_R_STATS } };
	uint64_t began;

	setenv("FAKE_RECORDER", "deaf", 1);
	client = place_client(place);
	place_open(place, client, &server);
	while (!place->guard.stats.recorder_dropped)
		recorder_send(&place->guard, &token, sizeof(token), NULL);
	assert_int_equal(place->guard.recorder.queued, RECORDER_QUEUE_MAX);
	began = clock_mono_ns();
	place_ask(place, client, &ask, sizeof(ask), &reply, sizeof(reply), NULL);
	assert_true(clock_mono_ns() - began < NS_PER_S);
	assert_true(reply.stats.recorder_dropped >= 1);
	server_reap(&server);
	place_end(place, client);
	pidfd_signal(place->guard.recorder.death.fd, SIGKILL); /* else the teardown waits for it */
}

static void figures_that_do_not_come_are_not_waited_for(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = -1;
	struct server server = server_start(NULL);
	struct mf_c_list ask = { .head = CONTROL(MF_C_STATS) };
	struct mf_c_stats_reply reply;

	setenv("FAKE_RECORDER", "deaf", 1);
	client = place_client(place);
	place_open(place, client, &server);
	place_ask(place, client, &ask, sizeof(ask), &reply, sizeof(reply), NULL);
	assert_int_equal(reply.stats.sessions_opened, 1);
	server_reap(&server);
	pidfd_signal(place->guard.recorder.death.fd, SIGKILL);
}

static void a_recorder_that_says_nonsense_is_replaced(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = -1;
	struct server server = server_start(NULL);
	pid_t first;

	setenv("FAKE_RECORDER", "rude", 1);
	client = place_client(place);
	place_open(place, client, &server);
	first = place->guard.recorder.pid;
	unsetenv("FAKE_RECORDER");
	place_hear(place, "resumed=1");
	assert_true(place->guard.recorder.pid != first);
	server_reap(&server);
}

static void a_log_that_cannot_be_written_is_a_state(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = -1;
	struct server server = server_start(NULL);
	struct mf_control told;

	setenv("FAKE_RECORDER", "failing", 1);
	client = place_client(place);
	place_open(place, client, &server);
	place_hear(place, "barrier");
	while (!place->guard.recorder.log_error)
		guard_turn(&place->guard, 0);
	assert_int_equal(place_answer(place, client, &told, sizeof(told), NULL), sizeof(told));
	assert_int_equal(told.kind, MF_C_STATE);
	assert_int_equal(told.error, -ENOSPC);
	assert_int_equal(state_of_first(place, client), MF_S_AUDIT_FAILURE);
	server_reap(&server);
}

static void the_recorder_is_told_to_finish(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = place_client(place);
	struct server server = server_start(NULL);

	place_open(place, client, &server);
	server_reap(&server);
	place_end(place, client);
	recorder_stop(&place->guard);
	assert_true(place_heard(place, "quit"));
	assert_int_equal(place->guard.recorder.pid, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_killed_recorder_has_a_successor_and_the_owner_a_new_journal),
		TEST(a_successor_gets_no_descriptor_more_than_the_first),
		TEST(after_five_quick_deaths_there_is_no_recorder),
		TEST(a_recorder_that_does_not_read_holds_up_nobody),
		TEST(figures_that_do_not_come_are_not_waited_for),
		TEST(a_recorder_that_says_nonsense_is_replaced),
		TEST(a_log_that_cannot_be_written_is_a_state),
		TEST(the_recorder_is_told_to_finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
