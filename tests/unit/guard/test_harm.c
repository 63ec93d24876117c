/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients that do harm to others, or would. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "../base/lingering.h"
#include "base/clock.h"
#include "harness.h"

#define NOBODY 65534

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

static void a_client_that_does_not_read_is_dropped(void **state)
{
	struct place *place = *state;
	int client = place_client(place);
	struct mf_c_hello request = { .head = CONTROL(MF_C_HELLO) };
	uint64_t until = clock_mono_ns() + 20 * NS_PER_S;

	while (place->guard.connections) {
		assert_true(clock_mono_ns() < until);
		ipc_send(client, &request, sizeof(request), NULL);
		guard_turn(&place->guard, clock_mono_ns() + NS_PER_MS);
	}
	assert_int_equal(place->guard.stats.clients_dropped, 1);
	close(client);
}

/* A client that the guard takes for another user's. */
static int stranger(struct place *place)
{
	int client;

	assert_int_equal(seteuid(NOBODY), 0);
	client = place_client(place);
	assert_int_equal(seteuid(0), 0);
	return client;
}

static void hello_comes_at_once(struct place *place)
{
	struct mf_c_hello request = { .head = CONTROL(MF_C_HELLO) };
	_cleanup_fd_ int client = place_client(place);
	uint64_t before = clock_mono_ns();
	struct mf_c_hello_reply reply;

	place_ask(place, client, &request, sizeof(request), &reply, sizeof(reply), NULL);
	assert_true(clock_mono_ns() - before < 900 * NS_PER_MS);
}

static void what_a_user_hands_over_cannot_make_the_guard_wait(void **state)
{
	struct place *place = *state;
	struct mf_control head = CONTROL(MF_C_HELLO);
	size_t before = count_fds();

	for (size_t count = 1; count <= 6; count += 5) { /* also more than are ever received */
		int peer[6], client = stranger(place), all[6];
		char control[CMSG_SPACE(sizeof(all))] = { 0 };
		struct iovec iov = { .iov_base = &head, .iov_len = sizeof(head) };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
		struct cmsghdr *cmsg = (void *)control;

		for (size_t i = 0; i < count; i++)
			all[i] = wrapped(lingering(&peer[i]));
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(cmsg), all, sizeof(int) * count);
		assert_int_equal(sendmsg(client, &msg, 0), sizeof(head));
		for (size_t i = 0; i < count; i++)
			close(all[i]);
		hello_comes_at_once(place);
		for (size_t i = 0; i < count; i++)
			close(peer[i]);
		close(client);
	}
	for (uint64_t until = clock_mono_ns() + 20 * NS_PER_S; count_fds() > before;) {
		assert_true(clock_mono_ns() < until);
		guard_turn(&place->guard, clock_mono_ns() + 5 * NS_PER_MS);
	}
}

static void what_a_user_left_unreceived_cannot_make_the_guard_wait(void **state)
{
	struct place *place = *state;
	struct ipc_fds fds = IPC_FDS_NONE;
	int client = stranger(place), peer;

	/* the first is refused, the second is closed with the connection */
	fds.fd[0] = wrapped(lingering(&peer));
	fds.count = 1;
	assert_int_equal(ipc_send(client, "x", 1, NULL), 0);
	assert_int_equal(ipc_send(client, "x", 1, &fds), 0);
	close(fds.fd[0]);
	hello_comes_at_once(place);
	close(peer);
	close(client);
}

static void many_questions_for_statistics_are_few_to_the_recorder(void **state)
{
	struct place *place = *state;
	struct mf_c_list request = { .head = CONTROL(MF_C_STATS) };
	struct mf_c_stats_reply reply;
	struct server server;
	int owner, asker;

	setenv("FAKE_RECORDER", "deaf", 1);
	owner = place_client(place);
	server = server_start(NULL);
	place_open(place, owner, &server);
	asker = place_client(place);
	for (size_t i = 0; i < 4000; i++) {
		while (ipc_send(asker, &request, sizeof(request), NULL) == -EAGAIN)
			guard_turn(&place->guard, clock_mono_ns() + NS_PER_MS);
	}
	assert_int_equal(place_answer(place, asker, &reply, sizeof(reply), NULL), sizeof(reply));
	assert_int_equal(place->guard.recorder.queued, 0);
	assert_int_equal(place->guard.stats.recorder_dropped, 0);
	close(asker);
	close(owner);
	server_reap(&server);
	pidfd_signal(place->guard.recorder.death.fd,
		     SIGKILL); /* it would not hear that it is over */
}

static void a_user_has_a_bound_of_connections(void **state)
{
	struct place *place = *state;
	struct connection crowd[CONNECTIONS_PER_USER] = { 0 };
	int pair[2];

	/* as if they were there: the bound is counted over the list */
	for (size_t i = 0; i < CONNECTIONS_PER_USER; i++) {
		crowd[i].peer.uid = NOBODY;
		crowd[i].next = i ? &crowd[i - 1] : NULL;
	}
	place->guard.connections = &crowd[CONNECTIONS_PER_USER - 1];
	place->guard.connection_count = CONNECTIONS_PER_USER;
	assert_int_equal(seteuid(NOBODY), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(control_adopt(&place->guard, pair[1], CONN_FRESH, NULL), -EUSERS);
	assert_int_equal(place->guard.stats.clients_refused, 1);
	close(pair[0]);
	close(pair[1]);
	place->guard.connections = NULL;
	place->guard.connection_count = 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_client_that_does_not_read_is_dropped),
		TEST(what_a_user_hands_over_cannot_make_the_guard_wait),
		TEST(what_a_user_left_unreceived_cannot_make_the_guard_wait),
		TEST(many_questions_for_statistics_are_few_to_the_recorder),
		TEST(a_user_has_a_bound_of_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
