/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/control.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

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

/* Sends one packet and expects that the guard closes the connection and counts it. */
static void refused(struct place *place, int client, const void *packet, size_t size,
		    const struct ipc_fds *fds)
{
	uint64_t before = place->guard.stats.control_rejected;
	char bytes[8];

	assert_int_equal(ipc_send(client, packet, size, fds), 0);
	assert_int_equal(place_answer(place, client, bytes, sizeof(bytes), NULL), 0);
	assert_int_equal(place->guard.stats.control_rejected, before + 1);
	close(client);
}

static const struct {
	uint32_t kind;
	size_t size;
	size_t fds;
} rows[] = {
	{ MF_C_HELLO, sizeof(struct mf_c_hello), 0 },
	{ MF_C_OPEN, sizeof(struct mf_c_open), 1 },
	{ MF_C_END, sizeof(struct mf_c_end), 0 },
	{ MF_C_LIST, sizeof(struct mf_c_list), 0 },
	{ MF_C_STATS, sizeof(struct mf_c_list), 0 },
	{ MF_C_SIGNAL, sizeof(struct mf_c_signal), 0 },
	{ MF_C_PREPARE, sizeof(struct mf_c_hello), 0 },
	{ MF_C_POLICY, sizeof(struct mf_c_policy), 1 },
};

static void a_size_that_is_not_the_rows_is_refused(void **state)
{
	struct place *place = *state;
	unsigned char bytes[256] = { 0 };
	struct mf_control head = CONTROL(0);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_fd_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		struct ipc_fds fds = { .fd = { null, -1, -1, -1 }, .count = rows[i].fds };

		head.kind = rows[i].kind;
		memcpy(bytes, &head, sizeof(head));
		refused(place, place_client(place), bytes, rows[i].size + 1, &fds);
		refused(place, place_client(place), bytes, rows[i].size - 1, &fds);
	}
}

static void descriptors_that_are_not_the_rows_are_refused_and_closed(void **state)
{
	struct place *place = *state;
	unsigned char bytes[256] = { 0 };
	struct mf_control head = CONTROL(0);
	size_t before = count_fds();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_fd_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		struct ipc_fds two = { .fd = { null, null, -1, -1 }, .count = 2 };
		struct ipc_fds other = { .fd = { null, -1, -1, -1 }, .count = !rows[i].fds };

		head.kind = rows[i].kind;
		memcpy(bytes, &head, sizeof(head));
		refused(place, place_client(place), bytes, rows[i].size, &two);
		refused(place, place_client(place), bytes, rows[i].size, &other);
	}
	assert_int_equal(count_fds(), before);
}

static void unknown_kinds_versions_and_fragments_are_refused(void **state)
{
	struct place *place = *state;
	struct mf_c_hello hello = { .head = CONTROL(MF_C_HELLO) };
	unsigned char large[70000] = { 0 };

	refused(place, place_client(place), &hello, 3, NULL);
	hello.head.kind = 0;
	refused(place, place_client(place), &hello, sizeof(hello), NULL);
	hello.head.kind = MF_C_JOURNAL; /* the guard's to say */
	refused(place, place_client(place), &hello, sizeof(hello), NULL);
	hello.head.kind = 0xffffffff;
	refused(place, place_client(place), &hello, sizeof(hello), NULL);
	hello = (struct mf_c_hello){ .head = CONTROL(MF_C_HELLO) };
	hello.head.version++;
	refused(place, place_client(place), &hello, sizeof(hello), NULL);
	refused(place, place_client(place), large, sizeof(large), NULL);
}

static void an_owners_request_from_another_is_refused(void **state)
{
	struct place *place = *state;
	struct mf_c_end end = { .head = CONTROL(MF_C_END) };
	struct mf_c_signal sig = { .head = CONTROL(MF_C_SIGNAL), .signo = SIGKILL };
	int owner = place_client(place);
	struct server server = server_start(NULL);

	place_open(place, owner, &server);
	refused(place, place_client(place), &end, sizeof(end), NULL);
	refused(place, place_client(place), &sig, sizeof(sig), NULL);
	assert_true(pidfd_alive(server.pidfd));
	place_end(place, owner);
	refused(place, owner, &end, sizeof(end), NULL); /* twice */
	server_reap(&server);
}

static struct mf_control change(struct place *place, int client, uint32_t kind, uint64_t session)
{
	struct mf_c_mode request = { .head = { .version = MF_ABI_VERSION, .kind = kind },
				     .session = session,
				     .mode = MF_POL_AUDIT };
	struct mf_control reply = { 0 };

	assert_int_equal(
		place_ask(place, client, &request, sizeof(request), &reply, sizeof(reply), NULL),
		sizeof(reply));
	return reply;
}

static void a_change_is_refused_to_what_is_in_a_session_and_of_what_has_no_policy(void **state)
{
	struct place *place = *state;
	int owner = place_client(place), outside, inside;
	struct server server = server_start(NULL);
	uint64_t session = place_open(place, owner, &server).session;

	outside = place_client(place);
	assert_int_equal(change(place, outside, MF_C_MODE, session).detail, MF_D_NO_POLICY);
	assert_int_equal(change(place, outside, MF_C_RELOAD, session).detail, MF_D_NO_POLICY);
	assert_int_equal(change(place, outside, MF_C_MODE, session + 1).error, -ESRCH);
	fake_engine.has_every_task = true;
	inside = place_client(place);
	for (uint32_t kind = MF_C_MODE; kind <= MF_C_RELOAD; kind++) {
		struct mf_control reply = change(place, inside, kind, session);

		assert_int_equal(reply.error, -EPERM);
		assert_int_equal(reply.detail, MF_D_IN_SESSION);
	}
	fake_engine.has_every_task = false;
	close_fd(outside);
	close_fd(inside);
	place_end(place, owner);
	server_reap(&server);
}

static void a_second_open_ends_connection_and_session(void **state)
{
	struct place *place = *state;
	int owner = place_client(place);
	struct server server = server_start(NULL);
	struct mf_c_open request = open_request(&server);
	struct ipc_fds fds = { .fd = { server.pidfd, -1, -1, -1 }, .count = 1 };

	place_open(place, owner, &server);
	refused(place, owner, &request, sizeof(request), &fds);
	place_settle(place);
	server_reap(&server);
}

static void other_signals_than_term_and_kill_are_not_sent(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int owner = place_client(place);
	struct server server = server_start(NULL);
	struct mf_c_signal request = { .head = CONTROL(MF_C_SIGNAL), .signo = SIGSTOP };
	struct mf_control reply;

	place_open(place, owner, &server);
	place_ask(place, owner, &request, sizeof(request), &reply, sizeof(reply), NULL);
	assert_int_equal(reply.error, -EINVAL);
	server_reap(&server);
}

/* --- who --- */

static int open_error(struct place *place, const struct mf_c_open *request, int fd,
		      uint32_t *ret_detail)
{
	_cleanup_fd_ int client = place_client(place);
	struct ipc_fds fds = { .fd = { fd, -1, -1, -1 }, .count = 1 };
	struct mf_c_open_reply reply;

	assert_int_equal(ipc_send(client, request, sizeof(*request), &fds), 0);
	assert_int_equal(place_answer(place, client, &reply, sizeof(reply), NULL), sizeof(reply));
	assert_int_equal(reply.session, 0);
	*ret_detail = reply.head.detail;
	return reply.head.error;
}

static void what_is_not_the_peers_child_is_not_taken(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_fd_ int self = pidfd_of(getpid()), init = pidfd_of(getppid());
	struct server server = server_start(NULL);
	struct mf_c_open request = open_request(&server);
	uint32_t detail;

	assert_int_equal(open_error(place, &request, null, &detail), -EBADF);
	assert_int_equal(detail, MF_D_NOT_OWNER);
	request.child_pid = (uint32_t)getpid();
	assert_int_equal(open_error(place, &request, self, &detail), -EPERM);
	request.child_pid = (uint32_t)getppid();
	assert_int_equal(open_error(place, &request, init, &detail), -EPERM);
	request.child_pid = 1; /* a child, but not the one that is named */
	assert_int_equal(open_error(place, &request, server.pidfd, &detail), -EPERM);
	pidfd_signal(server.pidfd, SIGKILL);
	while (pidfd_alive(server.pidfd))
		;
	request = open_request(&server);
	assert_int_equal(open_error(place, &request, server.pidfd, &detail), -ESRCH);
	server_reap(&server);
	assert_int_equal(fake_engine.added, 0);
}

static void names_must_end_and_flags_be_known(void **state)
{
	struct place *place = *state;
	struct server server = server_start(NULL);
	struct mf_c_open request = open_request(&server);
	uint32_t detail;

	memset(request.name, 'x', sizeof(request.name));
	assert_int_equal(open_error(place, &request, server.pidfd, &detail), -EINVAL);
	request = open_request(&server);
	request.name[0] = '\0';
	assert_int_equal(open_error(place, &request, server.pidfd, &detail), -EINVAL);
	request = open_request(&server);
	memset(request.tenant, 'x', sizeof(request.tenant));
	assert_int_equal(open_error(place, &request, server.pidfd, &detail), -EINVAL);
	request = open_request(&server);
	request.flags = 1U << 31;
	assert_int_equal(open_error(place, &request, server.pidfd, &detail), -EINVAL);
	server_reap(&server);
}

/* A process of another user that asks, and exits with 0 when the answers are as it should be. */
static pid_t other_user(struct place *place, int (*ask)(int client, int child_of_root), int fd)
{
	int pair[2], go[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		int sock;

		close(go[0]);
		if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
			_exit(100);
		/* SO_PEERCRED of a pair is whoever made it */
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
			_exit(101);
		sock = dup(pair[1]);
		if (dprintf(go[1], "%d\n", sock) < 0)
			_exit(102);
		_exit(ask(pair[0], fd));
	}
	close(go[1]);
	{
		_cleanup_file_ FILE *file = fdopen(go[0], "r");
		int number = -1, theirs;
		_cleanup_fd_ int pidfd = pidfd_of(pid);

		assert_int_equal(fscanf(file, "%d%c", &number, &byte), 2);
		theirs = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
		assert_true(theirs >= 0);
		assert_int_equal(control_adopt(&place->guard, theirs, CONN_FRESH, NULL), 0);
	}
	return pid;
}

static int exit_of(struct place *place, pid_t pid)
{
	uint64_t until = clock_mono_ns() + 20 * NS_PER_S;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		assert_true(clock_mono_ns() < until);
		guard_turn(&place->guard, clock_mono_ns() + 5 * NS_PER_MS);
	}
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int ask_for_a_foreign_child(int client, int pidfd)
{
	struct mf_c_open request = { .head = CONTROL(MF_C_OPEN), .name = "x" };
	struct ipc_fds fds = { .fd = { pidfd, -1, -1, -1 }, .count = 1 };
	struct mf_c_open_reply reply;

	if (ipc_send(client, &request, sizeof(request), &fds))
		return 1;
	if (ipc_recv(client, &reply, sizeof(reply), NULL) != sizeof(reply))
		return 2;
	return reply.head.error == -EPERM && reply.head.detail == MF_D_NOT_OWNER ? 0 : 3;
}

static void another_users_process_is_not_taken(void **state)
{
	struct place *place = *state;
	struct server server = server_start(NULL);

	assert_int_equal(exit_of(place, other_user(place, ask_for_a_foreign_child, server.pidfd)),
			 0);
	server_reap(&server);
}

static int list_and_stats(int client, int unused)
{
	struct mf_c_list list = { .head = CONTROL(MF_C_LIST) };
	struct mf_c_list_reply session;
	struct mf_c_stats_reply stats;

	if (ipc_send(client, &list, sizeof(list), NULL) ||
	    ipc_recv(client, &session, sizeof(session), NULL) != sizeof(session))
		return 1;
	if (session.head.error != -ENOENT || session.session)
		return 2;
	list.head.kind = MF_C_STATS;
	if (ipc_send(client, &list, sizeof(list), NULL) ||
	    ipc_recv(client, &stats, sizeof(stats), NULL) != sizeof(stats))
		return 3;
	if (stats.stats.sessions_live || stats.stats.sessions_opened || stats.stats.rec_records)
		return 4;
	return 0;
}

static void a_user_sees_nothing_of_roots_sessions(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int owner = place_client(place);
	struct server server = server_start(NULL);

	place_open(place, owner, &server);
	assert_int_equal(exit_of(place, other_user(place, list_and_stats, -1)), 0);
	server_reap(&server);
}

static int own_session_whole(int client, int unused)
{
	struct mf_c_open request = { .head = CONTROL(MF_C_OPEN), .name = "mine" };
	struct mf_c_list list = { .head = CONTROL(MF_C_LIST) };
	struct mf_c_end end = { .head = CONTROL(MF_C_END) };
	struct mf_c_open_reply opened;
	struct mf_c_list_reply listed;
	struct mf_c_end_reply ended;
	struct ipc_fds fds = { .count = 1 };
	pid_t child = fork();

	if (child == 0) {
		setsid();
		for (;;)
			pause();
	}
	request.child_pid = (uint32_t)child;
	fds.fd[0] = pidfd_of(child);
	if (ipc_send(client, &request, sizeof(request), &fds) ||
	    ipc_recv(client, &opened, sizeof(opened), NULL) != sizeof(opened) || opened.head.error)
		return 1;
	if (ipc_send(client, &list, sizeof(list), NULL) ||
	    ipc_recv(client, &listed, sizeof(listed), NULL) != sizeof(listed) || listed.head.error)
		return 2;
	if (listed.uid != NOBODY || strcmp(listed.name, "mine") != 0 ||
	    listed.relay_pid != (uint32_t)getpid())
		return 3;
	if (ipc_send(client, &end, sizeof(end), NULL) ||
	    ipc_recv(client, &ended, sizeof(ended), NULL) != sizeof(ended) || ended.survived)
		return 4;
	return waitpid(child, NULL, 0) == child ? 0 : 5;
}

static void an_ordinary_user_has_a_session_of_its_own(void **state)
{
	struct place *place = *state;

	assert_int_equal(exit_of(place, other_user(place, own_session_whole, -1)), 0);
	place_hear(place, "uid=65534");
}

/* --- what is told --- */

static void hello_tells_who_answers(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = place_client(place);
	struct mf_c_hello request = { .head = CONTROL(MF_C_HELLO) };
	struct mf_c_hello_reply reply;

	place_ask(place, client, &request, sizeof(request), &reply, sizeof(reply), NULL);
	assert_int_equal(reply.head.error, 0);
	assert_int_equal(reply.guard_pid, getpid());
	assert_int_equal(reply.engine, 0);
	assert_string_equal(reply.release, MCPFLOOR_VERSION);
}

static void a_listed_session_is_described(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = place_client(place);
	struct server server = server_start(NULL);
	struct mf_c_open_reply opened = place_open(place, client, &server);
	struct mf_c_list request = { .head = CONTROL(MF_C_LIST) };
	struct mf_c_list_reply reply;

	place_ask(place, client, &request, sizeof(request), &reply, sizeof(reply), NULL);
	assert_int_equal(reply.head.kind, MF_C_LIST);
	assert_int_equal(reply.session, opened.session);
	assert_int_equal(reply.root_pid, server.pid);
	assert_int_equal(reply.relay_pid, getpid());
	assert_int_equal(reply.state, MF_S_OBSERVING);
	assert_int_equal(reply.in_flight, 2);
	assert_int_equal(reply.counters.events, 5);
	assert_string_equal(reply.name, "crm");
	assert_string_equal(reply.tenant, "acme");
	request.index = 1;
	place_ask(place, client, &request, sizeof(request), &reply, sizeof(reply), NULL);
	assert_int_equal(reply.head.error, -ENOENT);
	server_reap(&server);
}

static void stats_add_up_guard_engine_and_recorder(void **state)
{
	struct place *place = *state;
	_cleanup_fd_ int client = place_client(place);
	struct server server = server_start(NULL);
	struct mf_c_list request = { .head = CONTROL(MF_C_STATS) };
	struct mf_c_stats_reply reply;

	place_open(place, client, &server);
	place_ask(place, client, &request, sizeof(request), &reply, sizeof(reply), NULL);
	assert_int_equal(reply.stats.sessions_opened, 1);
	assert_int_equal(reply.stats.sessions_live, 1);
	assert_int_equal(reply.stats.file_questions, 11);
	assert_int_equal(reply.stats.rec_records, 7);
	server_reap(&server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_size_that_is_not_the_rows_is_refused),
		TEST(descriptors_that_are_not_the_rows_are_refused_and_closed),
		TEST(unknown_kinds_versions_and_fragments_are_refused),
		TEST(an_owners_request_from_another_is_refused),
		TEST(a_change_is_refused_to_what_is_in_a_session_and_of_what_has_no_policy),
		TEST(a_second_open_ends_connection_and_session),
		TEST(other_signals_than_term_and_kill_are_not_sent),
		TEST(what_is_not_the_peers_child_is_not_taken),
		TEST(names_must_end_and_flags_be_known),
		TEST(another_users_process_is_not_taken),
		TEST(a_user_sees_nothing_of_roots_sessions),
		TEST(an_ordinary_user_has_a_session_of_its_own),
		TEST(hello_tells_who_answers),
		TEST(a_listed_session_is_described),
		TEST(stats_add_up_guard_engine_and_recorder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
