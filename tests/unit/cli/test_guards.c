/* SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/ipc.h"
#include "cli/guards.h"

enum manners {
	MANNERS_GOOD,
	MANNERS_SHORT, /* half of a session */
	MANNERS_WRONG_KIND,
	MANNERS_NO_NUL, /* a name that does not end */
	MANNERS_ENDLESS, /* a list without an end */
	MANNERS_CANNOT_RECORD,
	MANNERS_HANGS_UP,
};

struct place {
	char dir[64];
	pid_t pid;
};

static void answer_list(int sock, const struct mf_c_list *asked, enum manners manners)
{
	struct mf_c_list_reply reply = { .head = { MF_ABI_VERSION, MF_C_LIST, 0, 0 },
					 .session = 0xabc,
					 .name = "crm" };
	size_t size = sizeof(reply);

	if (asked->index >= 2 && manners != MANNERS_ENDLESS)
		reply.head.error = -ENOENT;
	if (manners == MANNERS_SHORT)
		size /= 2;
	if (manners == MANNERS_WRONG_KIND)
		reply.head.kind = MF_C_STATS;
	if (manners == MANNERS_NO_NUL)
		memset(reply.name, 'n', sizeof(reply.name) + sizeof(reply.tenant));
	ipc_send(sock, &reply, size, NULL);
}

static void serve(int sock, enum manners manners)
{
	struct mf_c_list asked;
	_cleanup_ipc_fds_ struct ipc_fds fds = IPC_FDS_NONE;

	while (ipc_recv(sock, &asked, sizeof(asked), &fds) > 0) {
		struct mf_c_hello_reply hello = { .head = { MF_ABI_VERSION, MF_C_HELLO, 0, 0 },
						  .guard_pid = 7 };

		if (manners == MANNERS_HANGS_UP)
			return;
		if (manners == MANNERS_CANNOT_RECORD) {
			hello.head.error = -EROFS;
			hello.head.detail = MF_D_STATE_DIR;
		}
		if (asked.head.kind == MF_C_HELLO)
			ipc_send(sock, &hello, sizeof(hello), NULL);
		else
			answer_list(sock, &asked, manners);
	}
}

/* A guard at `name` that answers one connection. */
static void start(struct place *place, const char *name, enum manners manners)
{
	char path[128];
	int listener;

	strcpy(place->dir, "/tmp/mcpfloor-guards-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	snprintf(path, sizeof(path), "%s/%s", place->dir, name);
	listener = ipc_listen(path, SOCK_SEQPACKET, 0600);
	assert_true(listener >= 0);
	place->pid = fork();
	if (place->pid == 0) {
		struct pollfd fd = { .fd = listener, .events = POLLIN };

		poll(&fd, 1, -1); /* the listener does not block */
		serve(accept(listener, NULL, NULL), manners);
		_exit(0);
	}
	close(listener);
}

static void stop(struct place *place, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", place->dir, name);
	kill(place->pid, SIGKILL);
	waitpid(place->pid, NULL, 0);
	unlink(path);
	rmdir(place->dir);
}

static int count_session(const struct mf_c_hello_reply *guard,
			 const struct mf_c_list_reply *session, void *data)
{
	assert_true(strlen(session->name) < sizeof(session->name));
	assert_true(strlen(session->tenant) < sizeof(session->tenant));
	(*(size_t *)data)++;
	return 0;
}

static int ask(const char *name, enum manners manners, size_t *ret_sessions)
{
	size_t seen = 0;
	const struct guards_walk walk = { .session = count_session, .data = &seen };
	struct place place;
	int r;

	start(&place, name, manners);
	*ret_sessions = 0;
	r = guards_ask(place.dir, &walk, ret_sessions);
	stop(&place, name);
	if (r >= 0)
		assert_int_equal(seen, *ret_sessions);
	return r;
}

static void the_daemon_and_private_guards_are_found(void **state)
{
	size_t sessions;

	assert_int_equal(ask("control.sock", MANNERS_GOOD, &sessions), 1);
	assert_int_equal(sessions, 2);
	assert_int_equal(ask("guard-123.sock", MANNERS_GOOD, &sessions), 1);
	assert_int_equal(sessions, 2);
}

static void a_socket_of_the_dead_is_no_guard(void **state)
{
	const struct guards_walk walk = { 0 };
	struct place place;
	size_t sessions;

	start(&place, "guard-1.sock", MANNERS_GOOD);
	kill(place.pid, SIGKILL);
	waitpid(place.pid, NULL, 0);
	assert_int_equal(guards_ask(place.dir, &walk, &sessions), 0);
	stop(&place, "guard-1.sock");
}

static void a_directory_that_is_not_there_has_no_guard(void **state)
{
	const struct guards_walk walk = { 0 };
	size_t sessions;

	assert_int_equal(guards_ask("/nonexistent/mcpfloor", &walk, &sessions), 0);
}

static void a_packet_of_another_shape_is_refused(void **state)
{
	size_t sessions;

	assert_int_equal(ask("control.sock", MANNERS_SHORT, &sessions), -EPROTO);
	assert_int_equal(ask("control.sock", MANNERS_WRONG_KIND, &sessions), -EPROTO);
}

static void a_name_that_does_not_end_is_cut(void **state)
{
	size_t sessions;

	assert_int_equal(ask("control.sock", MANNERS_NO_NUL, &sessions), 1);
}

static void a_list_that_does_not_end_is_left(void **state)
{
	size_t sessions;

	assert_int_equal(ask("control.sock", MANNERS_ENDLESS, &sessions), 1);
	assert_int_equal(sessions, MF_SESSIONS_MAX);
}

static void a_guard_that_cannot_record_is_asked_all_the_same(void **state)
{
	size_t sessions;

	assert_int_equal(ask("control.sock", MANNERS_CANNOT_RECORD, &sessions), 1);
	assert_int_equal(sessions, 2);
}

static void a_guard_that_was_just_ending_is_none(void **state)
{
	size_t sessions;

	assert_int_equal(ask("guard-1.sock", MANNERS_HANGS_UP, &sessions), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_daemon_and_private_guards_are_found),
		cmocka_unit_test(a_socket_of_the_dead_is_no_guard),
		cmocka_unit_test(a_directory_that_is_not_there_has_no_guard),
		cmocka_unit_test(a_packet_of_another_shape_is_refused),
		cmocka_unit_test(a_name_that_does_not_end_is_cut),
		cmocka_unit_test(a_list_that_does_not_end_is_left),
		cmocka_unit_test(a_guard_that_cannot_record_is_asked_all_the_same),
		cmocka_unit_test(a_guard_that_was_just_ending_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
