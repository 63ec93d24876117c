/* SPDX-License-Identifier: BSD-2-Clause */
/* Users who do harm to others, or would. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/lingering.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ipc.h"
#include "fake_guard.h"

static void a_user_who_holds_connections_keeps_nobody_from_asking(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_session(guard, STORY_SESSION, 4711);
	struct log_source *source;
	struct log_entry entry;
	int ready[2];
	char path[100], byte;
	pid_t pid;

	if (geteuid()) {
		print_message("# skip: needs root, to ask as another user\n");
		skip();
	}
	free(fake_guard_entry(guard, LOG_SESSION_START, "crm"));
	snprintf(path, sizeof(path), "%s/query", guard->path);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(chmod(guard->path, 0755), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		if (setresuid(4712, 4712, 4712) < 0)
			_exit(99);
		for (int i = 0; i < 40; i++)
			(void)!ipc_connect(path, SOCK_STREAM); /* the last ones may be refused */
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(fake_guard_ask(guard, 0, &source), 0);
	assert_int_equal(log_source_next(source, &entry), 1);
	log_source_free(source);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ready[0]);
	close(ready[1]);
	fake_guard_finish(guard, journal);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

static void ask_comes_at_once(struct fake_guard *guard)
{
	uint64_t before = clock_mono_ns();
	struct log_source *source;
	struct log_entry entry;

	assert_int_equal(fake_guard_ask(guard, 0, &source), 0);
	assert_int_equal(log_source_next(source, &entry), 1);
	log_source_free(source);
	assert_true(clock_mono_ns() - before < 900 * NS_PER_MS);
}

static void hand_over(int sock, int *ret_peer)
{
	struct ipc_fds fds = { .fd = { wrapped(lingering(ret_peer)), -1, -1, -1 }, .count = 1 };

	assert_int_equal(ipc_send(sock, "x", 1, &fds), 0);
	close_fd(fds.fd[0]);
}

static void what_an_asker_hands_over_cannot_make_the_recorder_wait(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_session(guard, STORY_SESSION, 1000);
	int peers[4], asker;
	char path[100];

	free(fake_guard_entry(guard, LOG_SESSION_START, "crm"));
	snprintf(path, sizeof(path), "%s/query", guard->path);
	for (int asked = 0; asked < 2; asked++) {
		struct mf_query query = { .version = MF_ABI_VERSION, .flags = MF_Q_FOLLOW };

		asker = ipc_connect(path, SOCK_STREAM);
		assert_true(asker >= 0);
		/* it sees nothing before all is there: the first is found, the others are left */
		assert_int_equal(kill(guard->pid, SIGSTOP), 0);
		if (asked)
			assert_int_equal(ipc_send(asker, &query, sizeof(query), NULL), 0);
		hand_over(asker, &peers[2 * asked]);
		hand_over(asker, &peers[2 * asked + 1]);
		assert_int_equal(kill(guard->pid, SIGCONT), 0);
		ask_comes_at_once(guard);
		close(asker);
		ask_comes_at_once(guard);
	}
	for (size_t i = 0; i < ARRAY_LEN(peers); i++)
		close(peers[i]);
	fake_guard_finish(guard, journal);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

static void what_comes_with_a_journal_cannot_make_the_recorder_wait(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_session(guard, STORY_SESSION, 1000);
	int peers[2];
	uint64_t before;

	free(fake_guard_entry(guard, LOG_SESSION_START, "crm"));
	assert_int_equal(kill(guard->pid, SIGSTOP), 0);
	hand_over(journal, &peers[0]);
	hand_over(journal, &peers[1]);
	assert_int_equal(kill(guard->pid, SIGCONT), 0);
	close(journal);
	before = clock_mono_ns();
	while (!fake_guard_stats(guard).rec_journal_bad)
		assert_true(clock_mono_ns() - before < 900 * NS_PER_MS);
	fake_guard_gone(guard, STORY_SESSION, true);
	free(fake_guard_entry(guard, LOG_SESSION_END, "relay-died"));
	assert_int_equal(fake_guard_stop(guard, false), 0);
	assert_true(clock_mono_ns() - before < 1500 * NS_PER_MS);
	close(peers[0]);
	close(peers[1]);
}

#define PLAY(test) cmocka_unit_test_setup_teardown(test, fake_guard_begin, fake_guard_end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PLAY(a_user_who_holds_connections_keeps_nobody_from_asking),
		PLAY(what_an_asker_hands_over_cannot_make_the_recorder_wait),
		PLAY(what_comes_with_a_journal_cannot_make_the_recorder_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
