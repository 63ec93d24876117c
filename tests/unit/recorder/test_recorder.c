/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ipc.h"
#include "fake_guard.h"
#include "record/reader.h"

static void call(int journal, uint64_t ordinal, uint64_t stamp)
{
	struct story_packet packet;

	story_begin(&packet, ordinal, stamp, "\"req-42\"", "tool", "{}");
	fake_guard_journal(journal, &packet);
}

static void answer(int journal, uint64_t ordinal, uint64_t stamp)
{
	struct story_packet packet;

	story_end(&packet, ordinal, stamp, MF_END_RESPONSE, "done");
	fake_guard_journal(journal, &packet);
}

static void open_file(struct fake_guard *guard, uint64_t stamp, const char *path, bool submitted)
{
	struct story_event event;

	story_open(&event, stamp, path, O_RDONLY);
	fake_guard_event(guard, &event, submitted);
}

static void a_call_becomes_a_record_and_a_session_an_end(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_session(guard, STORY_SESSION, 1000);
	char *json;

	call(journal, 1, MF_STAMP(1, 1));
	open_file(guard, MF_STAMP(1, 1), "/srv/app/x", true);
	answer(journal, 1, MF_STAMP(2, 0));
	fake_guard_barrier(guard);
	json = fake_guard_entry(guard, LOG_REQUEST, "req-42");
	assert_non_null(strstr(json, "/srv/app/x"));
	assert_non_null(strstr(json, "\"label\":\"exclusive\""));
	assert_non_null(strstr(json, "\"complete\":true"));
	free(json);
	fake_guard_finish(guard, journal);
	json = fake_guard_entry(guard, LOG_SESSION_END, "\"end\":\"exit\"");
	free(json);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

static void F36_a_record_closes_only_after_the_ring_was_read_past_its_end(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_session(guard, STORY_SESSION, 1000);
	char *json;

	call(journal, 1, MF_STAMP(1, 1));
	/* another CPU has reserved its record, but not submitted it */
	open_file(guard, MF_STAMP(1, 1), "/last/moment", false);
	answer(journal, 1, MF_STAMP(2, 0));
	fake_guard_barrier(guard);
	assert_int_equal(fake_guard_stats(guard).rec_records, 0);
	fake_guard_submit(guard);
	json = fake_guard_entry(guard, LOG_REQUEST, "/last/moment");
	assert_null(strstr(json, "\"late\""));
	free(json);
	fake_guard_finish(guard, journal);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

static void a_record_waits_for_the_guards_answer(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_session(guard, STORY_SESSION, 1000);
	char *json;

	call(journal, 1, MF_STAMP(1, 1));
	answer(journal, 1, MF_STAMP(2, 0));
	/* the guard's queues held something when it was asked */
	open_file(guard, MF_STAMP(1, 1), "/from/the/queue", true);
	fake_guard_barrier(guard);
	json = fake_guard_entry(guard, LOG_REQUEST, "/from/the/queue");
	assert_non_null(strstr(json, "\"complete\":true"));
	free(json);
	fake_guard_finish(guard, journal);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

static void a_guard_that_does_not_answer_keeps_no_record_open_for_ever(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_session(guard, STORY_SESSION, 1000);
	char *json;

	call(journal, 1, MF_STAMP(1, 1));
	answer(journal, 1, MF_STAMP(2, 0));
	json = fake_guard_entry(guard, LOG_REQUEST, "drain barrier not answered");
	assert_non_null(strstr(json, "\"complete\":false"));
	free(json);
	fake_guard_finish(guard, journal);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

static void an_event_ahead_of_its_journal_entry_gets_its_true_label(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_session(guard, STORY_SESSION, 1000);
	char *json;

	/* the page shows it, the journal not yet */
	open_file(guard, MF_STAMP(1, 1), "/early", true);
	while (fake_guard_stats(guard).rec_events < 1)
		poll(NULL, 0, 1);
	call(journal, 1, MF_STAMP(1, 1));
	answer(journal, 1, MF_STAMP(2, 0));
	fake_guard_barrier(guard);
	json = fake_guard_entry(guard, LOG_REQUEST, "/early");
	assert_non_null(strstr(json, "\"label\":\"exclusive\""));
	free(json);
	fake_guard_finish(guard, journal);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

/* A relay that has no processor at once tells what is in flight later than it tells a request. */
static void what_happens_before_the_relay_told_what_is_in_flight_waits_for_it(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_resume(guard, STORY_SESSION);
	struct story_packet packet;
	char *json;

	open_file(guard, MF_STAMP(3, 1), "/meanwhile", true);
	while (fake_guard_stats(guard).rec_events < 1)
		poll(NULL, 0, 1);
	poll(NULL, 0, 600);
	story_begin(&packet, 2, MF_STAMP(3, 1), "\"req-42\"", "tool", "{}");
	((struct mf_journal_entry *)packet.bytes)->kind = MF_J_RESUME;
	fake_guard_journal(journal, &packet);
	answer(journal, 2, MF_STAMP(4, 0));
	fake_guard_barrier(guard);
	json = fake_guard_entry(guard, LOG_REQUEST, "/meanwhile");
	assert_non_null(strstr(json, "\"label\":\"exclusive\""));
	free(json);
	fake_guard_finish(guard, journal);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

static void events_ahead_of_their_session_are_kept_for_it(void **state)
{
	struct fake_guard *guard = *state;
	char *json;
	int journal;

	open_file(guard, MF_STAMP(0, 0), "/before/hello", true);
	while (fake_guard_stats(guard).rec_events < 1)
		poll(NULL, 0, 1);
	journal = fake_guard_session(guard, STORY_SESSION, 1000);
	fake_guard_finish(guard, journal);
	json = fake_guard_entry(guard, LOG_BACKGROUND, "/before/hello");
	free(json);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

static void events_of_no_session_are_counted(void **state)
{
	struct fake_guard *guard = *state;

	open_file(guard, MF_STAMP(0, 0), "/nobody", true);
	while (!fake_guard_stats(guard).rec_unknown_session)
		poll(NULL, 0, 5);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

static void a_killed_relay_ends_its_requests_as_relay_gone(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_session(guard, STORY_SESSION, 1000);
	char *json;

	call(journal, 1, MF_STAMP(1, 1));
	close_fd(journal);
	fake_guard_barrier(guard);
	fake_guard_gone(guard, STORY_SESSION, true);
	json = fake_guard_entry(guard, LOG_REQUEST, "\"end\":\"relay-gone\"");
	assert_non_null(strstr(json, "\"complete\":false"));
	free(json);
	json = fake_guard_entry(guard, LOG_SESSION_END, "\"end\":\"relay-died\"");
	free(json);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

static void when_the_guard_dies_the_journal_is_still_recorded(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_session(guard, STORY_SESSION, 1000);
	struct story_packet packet;
	int status;
	char *json;

	call(journal, 1, MF_STAMP(1, 1));
	free(fake_guard_entry(guard, LOG_SESSION_START, "crm"));
	guard->guard = close_fd(guard->guard);
	answer(journal, 1, MF_STAMP(2, 0));
	json = fake_guard_entry(guard, LOG_REQUEST, "guard-died");
	assert_non_null(strstr(json, "\"complete\":false"));
	free(json);
	call(journal, 2, MF_STAMP(3, 1));
	answer(journal, 2, MF_STAMP(4, 0));
	free(fake_guard_entry(guard, LOG_REQUEST, "8-2\""));
	story_exit(&packet, 0);
	fake_guard_journal(journal, &packet);
	close_fd(journal);
	free(fake_guard_entry(guard, LOG_SESSION_END, "crm"));
	assert_int_equal(waitpid(guard->pid, &status, 0), guard->pid);
	assert_int_equal(status, 0);
}

static void malformed_packets_are_counted_and_harm_nobody(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_session(guard, STORY_SESSION, 1000);
	struct story_event event;

	assert_int_equal(ipc_send(journal, "nonsense", 8, NULL), 0);
	story_open(&event, MF_STAMP(0, 0), "/x", O_RDONLY);
	event.head.kind = 999;
	fake_guard_event(guard, &event, true);
	assert_int_equal(ipc_send(guard->guard, "short", 5, NULL), 0);
	while (!fake_guard_stats(guard).rec_bad_events || !fake_guard_stats(guard).rec_journal_bad)
		poll(NULL, 0, 2);
	close_fd(journal);
	fake_guard_gone(guard, STORY_SESSION, true);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

static void a_query_gets_what_a_reader_of_the_directory_gets(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_session(guard, STORY_SESSION, 4711);
	struct log_source *source;
	struct log_entry entry;
	int records = 0;
	int got;

	for (uint64_t i = 0; i < 5; i++) {
		call(journal, i + 1, MF_STAMP(2 * i + 1, 1));
		answer(journal, i + 1, MF_STAMP(2 * i + 2, 0));
		fake_guard_barrier(guard);
	}
	free(fake_guard_entry(guard, LOG_REQUEST, "8-5\""));
	assert_int_equal(fake_guard_ask(guard, 0, &source), 0);
	while ((got = log_source_next(source, &entry)) > 0)
		records += entry.type == LOG_REQUEST;
	log_source_free(source);
	assert_int_equal(got, 0);
	assert_int_equal(records, 5);
	fake_guard_finish(guard, journal);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

static void a_user_gets_own_sessions_only(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_session(guard, STORY_SESSION, 4711);
	char path[100];
	int status;
	pid_t pid;

	if (geteuid()) {
		print_message("# skip: needs root, to ask as another user\n");
		skip();
	}
	free(fake_guard_entry(guard, LOG_SESSION_START, "crm"));
	snprintf(path, sizeof(path), "%s/query", guard->path);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(chmod(guard->path, 0755), 0);
	for (uid_t user = 4711; user <= 4712; user++) {
		pid = fork();
		if (!pid) {
			struct log_source *source;
			struct log_entry entry;
			int seen = 0;

			if (setresuid(user, user, user) < 0 ||
			    fake_guard_ask(guard, 0, &source) < 0)
				_exit(99);
			while (log_source_next(source, &entry) > 0)
				seen++;
			_exit(seen);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WEXITSTATUS(status), user == 4711 ? 1 : 0);
	}
	fake_guard_finish(guard, journal);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

static void a_follower_is_told_what_comes(void **state)
{
	struct fake_guard *guard = *state;
	struct log_source *source;
	struct log_entry entry;
	int journal;

	assert_int_equal(fake_guard_ask(guard, MF_Q_FOLLOW | MF_Q_NO_PAST, &source), 0);
	while (!fake_guard_stats(guard).rec_queries)
		poll(NULL, 0, 2);
	journal = fake_guard_session(guard, STORY_SESSION, 1000);
	do
		assert_int_equal(log_source_next(source, &entry), 1);
	while (entry.type == LOG_SEGMENT); /* root sees who writes, too */
	assert_int_equal(entry.type, LOG_SESSION_START);
	log_source_free(source);
	fake_guard_finish(guard, journal);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

/* What /proc says of the recorder: by outcome, not by what its code asked for. */
static void the_recorder_has_no_rights(void **state)
{
	static const char *const want[] = { "CapEff:\t0000000000000000\n",
					    "CapPrm:\t0000000000000000\n",
					    "CapBnd:\t0000000000000000\n", "NoNewPrivs:\t1\n",
					    "Seccomp:\t2\n" };
	struct fake_guard *guard = *state;
	char path[64], text[4096];
	size_t got;
	FILE *file;

	fake_guard_stats(guard); /* it answers, so it is through its beginning */
	snprintf(path, sizeof(path), "/proc/%d/status", guard->pid);
	file = fopen(path, "re");
	assert_non_null(file);
	got = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[got] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		if (geteuid() && !strncmp(want[i], "CapBnd", 6))
			continue; /* only root can empty it */
		assert_non_null(strstr(text, want[i]));
	}
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

static void an_idle_recorder_sleeps(void **state)
{
	struct fake_guard *guard = *state;
	int journal = fake_guard_session(guard, STORY_SESSION, 1000);
	clockid_t clock;
	uint64_t before;

	fake_guard_stats(guard);
	assert_int_equal(clock_getcpuclockid(guard->pid, &clock), 0);
	poll(NULL, 0, 200); /* what it has to do at the beginning */
	before = clock_read_ns(clock);
	poll(NULL, 0, 1000); /* time itself is what is measured here */
	assert_true(clock_read_ns(clock) - before < 50 * NS_PER_MS);
	fake_guard_finish(guard, journal);
	assert_int_equal(fake_guard_stop(guard, false), 0);
}

#define PLAY(test) cmocka_unit_test_setup_teardown(test, fake_guard_begin, fake_guard_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY(a_call_becomes_a_record_and_a_session_an_end),
		PLAY(F36_a_record_closes_only_after_the_ring_was_read_past_its_end),
		PLAY(a_record_waits_for_the_guards_answer),
		PLAY(a_guard_that_does_not_answer_keeps_no_record_open_for_ever),
		PLAY(an_event_ahead_of_its_journal_entry_gets_its_true_label),
		PLAY(what_happens_before_the_relay_told_what_is_in_flight_waits_for_it),
		PLAY(events_ahead_of_their_session_are_kept_for_it),
		PLAY(events_of_no_session_are_counted),
		PLAY(a_killed_relay_ends_its_requests_as_relay_gone),
		PLAY(when_the_guard_dies_the_journal_is_still_recorded),
		PLAY(malformed_packets_are_counted_and_harm_nobody),
		PLAY(a_query_gets_what_a_reader_of_the_directory_gets),
		PLAY(a_user_gets_own_sessions_only),
		PLAY(a_follower_is_told_what_comes),
		PLAY(the_recorder_has_no_rights),
		PLAY(an_idle_recorder_sleeps),
	};

	return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
