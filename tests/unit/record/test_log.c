/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "record/log.h"
#include "record/reader.h"

struct place {
	char path[64];
	int dir_fd;
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	strcpy(place->path, "/tmp/mcpfloor-log-XXXXXX");
	assert_non_null(mkdtemp(place->path));
	place->dir_fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(place->dir_fd >= 0);
	*state = place;
	return 0;
}

static int for_each_file(const struct place *place, char last[LOG_NAME_MAX], bool remove)
{
	int fd = openat(place->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	int count = 0;

	last[0] = '\0';
	while ((entry = readdir(dir))) {
		uint64_t start;

		if (entry->d_name[0] == '.')
			continue;
		if (log_is_segment(entry->d_name, &start)) {
			count++;
			if (strcmp(entry->d_name, last) > 0)
				snprintf(last, LOG_NAME_MAX, "%.40s", entry->d_name);
		}
		if (remove)
			unlinkat(place->dir_fd, entry->d_name, 0);
	}
	closedir(dir);
	return count;
}

static int remove_place(void **state)
{
	struct place *place = *state;
	char last[LOG_NAME_MAX];

	for_each_file(place, last, true);
	close(place->dir_fd);
	assert_int_equal(rmdir(place->path), 0);
	free(place);
	return 0;
}

static struct log_writer *open_log(const struct place *place, uint64_t segment_bytes)
{
	struct log_options options = { .dir_fd = place->dir_fd, .segment_bytes = segment_bytes };
	struct log_writer *log;

	assert_int_equal(log_open(&options, &log), 0);
	return log;
}

static void append(struct log_writer *log, enum log_type type, const char *json)
{
	log_append(log, type, json, strlen(json));
}

#define START \
	"{\"schema\":\"s\",\"session\":{\"id\":\"00000000000000aa\",\"name\":\"crm\",\"uid\":7}}"

/* Reads everything; counts by type; `reasons` gets the gaps' texts. */
static void read_all(const struct place *place, int counts[LOG_TYPE_MAX], char *gaps, size_t size)
{
	struct log_source *source;
	struct log_entry entry;
	uint64_t before = 0;
	int got;

	memset(counts, 0, LOG_TYPE_MAX * sizeof(*counts));
	gaps[0] = '\0';
	assert_int_equal(log_source_dir(place->dir_fd, &source), 0);
	while ((got = log_source_next(source, &entry)) > 0) {
		counts[entry.type]++;
		if (!entry.synthetic)
			assert_true(entry.time_ns >= before);
		before = entry.synthetic ? before : entry.time_ns;
		if (entry.type == LOG_GAP || entry.type == LOG_SESSION_END)
			snprintf(gaps + strlen(gaps), size - strlen(gaps), "%.*s\n",
				 (int)entry.size, entry.json);
	}
	assert_int_equal(got, 0);
	log_source_free(source);
}

static void what_is_written_is_read_in_its_order(void **state)
{
	struct place *place = *state;
	struct log_writer *log = open_log(place, 0);
	int counts[LOG_TYPE_MAX];
	char gaps[4096];
	struct stat st;
	char last[LOG_NAME_MAX];

	for (int i = 0; i < 1000; i++)
		append(log, LOG_REQUEST, "{\"a\":1}");
	assert_int_equal(log_tick(log, clock_mono_ns(), true), 0);
	read_all(place, counts, gaps, sizeof(gaps)); /* while the writer lives */
	assert_int_equal(counts[LOG_REQUEST], 1000);
	assert_int_equal(counts[LOG_GAP], 0);
	log_close(log);
	read_all(place, counts, gaps, sizeof(gaps));
	assert_int_equal(counts[LOG_SEGMENT], 2);
	assert_int_equal(for_each_file(place, last, false), 1);
	assert_int_equal(fstatat(place->dir_fd, last, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void segments_are_rotated_by_size_and_read_as_one(void **state)
{
	struct place *place = *state;
	struct log_writer *log = open_log(place, 10000);
	int counts[LOG_TYPE_MAX];
	char gaps[4096];
	char last[LOG_NAME_MAX];

	for (int i = 0; i < 1000; i++)
		append(log, LOG_REQUEST, "{\"a\":\"0123456789012345678901234567890123456789\"}");
	log_close(log);
	assert_true(for_each_file(place, last, false) >= 8);
	read_all(place, counts, gaps, sizeof(gaps));
	assert_int_equal(counts[LOG_REQUEST], 1000);
	assert_int_equal(counts[LOG_GAP], 0);
}

static void entries_of_several_writers_come_in_the_order_of_time(void **state)
{
	struct place *place = *state;
	struct log_writer *first = open_log(place, 0);
	struct log_writer *second;
	int counts[LOG_TYPE_MAX];
	char gaps[4096];

	second = open_log(place, 0);
	for (int i = 0; i < 100; i++) {
		append(first, LOG_REQUEST, "{}");
		append(second, LOG_REQUEST, "{}");
	}
	log_close(first);
	log_close(second);
	read_all(place, counts, gaps, sizeof(gaps));
	assert_int_equal(counts[LOG_REQUEST], 200);
}

/* A writer that is killed in the middle of its work. */
static void die_writing(const struct place *place, bool rotate)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		struct log_writer *log = open_log(place, rotate ? 2000 : 0);

		append(log, LOG_SESSION_START, START);
		for (int i = 0; i < 50; i++)
			append(log, LOG_REQUEST, "{\"filler\":\"0123456789012345678901234567\"}");
		log_tick(log, clock_mono_ns(), true);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void tear(const struct place *place)
{
	char last[LOG_NAME_MAX];
	struct stat st;
	int fd;

	for_each_file(place, last, false);
	fd = openat(place->dir_fd, last, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(ftruncate(fd, st.st_size - 5), 0);
	close(fd);
}

static void a_torn_tail_is_cut_and_said_once_and_its_sessions_end(void **state)
{
	struct place *place = *state;
	int counts[LOG_TYPE_MAX];
	char gaps[8192];

	die_writing(place, false);
	tear(place);
	read_all(place, counts, gaps, sizeof(gaps)); /* nobody has repaired it */
	assert_int_equal(counts[LOG_REQUEST], 49);
	assert_int_equal(counts[LOG_GAP], 1);
	log_close(open_log(place, 0));
	log_close(open_log(place, 0)); /* the second finds nothing to do */
	read_all(place, counts, gaps, sizeof(gaps));
	assert_int_equal(counts[LOG_REQUEST], 49);
	assert_int_equal(counts[LOG_GAP], 1);
	assert_non_null(strstr(gaps, "\"reason\":\"torn tail\""));
	assert_int_equal(counts[LOG_SESSION_END], 1);
	assert_non_null(strstr(gaps, "\"id\":\"00000000000000aa\",\"name\":\"crm\",\"uid\":7"));
	assert_non_null(strstr(gaps, "\"end\":\"recorder-died\""));
}

static void a_session_that_began_in_an_earlier_segment_is_ended_too(void **state)
{
	struct place *place = *state;
	int counts[LOG_TYPE_MAX];
	char gaps[8192];

	die_writing(place, true);
	log_close(open_log(place, 0));
	read_all(place, counts, gaps, sizeof(gaps));
	assert_int_equal(counts[LOG_SESSION_START], 1);
	assert_int_equal(counts[LOG_SESSION_END], 1);
	assert_int_equal(counts[LOG_GAP], 0);
}

static void a_living_writers_segment_is_left_alone(void **state)
{
	struct place *place = *state;
	struct log_writer *log = open_log(place, 0);
	int counts[LOG_TYPE_MAX];
	char gaps[8192];

	append(log, LOG_SESSION_START, START);
	log_tick(log, clock_mono_ns(), true);
	log_close(open_log(place, 0));
	append(log, LOG_SESSION_END, START);
	log_close(log);
	read_all(place, counts, gaps, sizeof(gaps));
	assert_int_equal(counts[LOG_SESSION_END], 1);
	assert_int_equal(counts[LOG_GAP], 0);
}

static void a_flipped_bit_is_a_gap_and_the_next_segment_goes_on(void **state)
{
	struct place *place = *state;
	struct log_writer *log = open_log(place, 0);
	int counts[LOG_TYPE_MAX];
	char gaps[8192];
	char last[LOG_NAME_MAX];
	int fd;

	for (int i = 0; i < 10; i++)
		append(log, LOG_REQUEST, "{\"a\":1}");
	log_close(log);
	for_each_file(place, last, false);
	fd = openat(place->dir_fd, last, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "X", 1, 300), 1);
	close(fd);
	log = open_log(place, 0);
	append(log, LOG_REQUEST, "{\"b\":1}");
	log_close(log);
	read_all(place, counts, gaps, sizeof(gaps));
	assert_int_equal(counts[LOG_GAP], 1);
	assert_non_null(strstr(gaps, "bad entry"));
	assert_in_range(counts[LOG_REQUEST], 2, 10);
}

static void harm(const struct place *place, const char *how)
{
	char last[LOG_NAME_MAX];
	int fd;

	for_each_file(place, last, false);
	if (!strcmp(how, "removed")) {
		assert_int_equal(unlinkat(place->dir_fd, last, 0), 0);
	} else if (!strcmp(how, "renamed")) {
		assert_int_equal(renameat(place->dir_fd, last, place->dir_fd, "old"), 0);
	} else {
		fd = openat(place->dir_fd, last, O_RDWR | O_CLOEXEC);
		assert_int_equal(ftruncate(fd, 0), 0);
		close(fd);
	}
}

static void harm_by_others_is_noticed_and_a_new_segment_goes_on(void **state)
{
	static const char *const ways[] = { "removed", "renamed", "truncated" };
	struct place *place = *state;
	char last[LOG_NAME_MAX];

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct log_writer *log = open_log(place, 0);
		int counts[LOG_TYPE_MAX];
		char gaps[8192];
		char want[64];

		append(log, LOG_REQUEST, "{\"a\":1}");
		assert_int_equal(log_tick(log, clock_mono_ns(), true), 0);
		harm(place, ways[i]);
		append(log, LOG_REQUEST, "{\"b\":1}"); /* waits when the harm is noticed */
		assert_int_equal(log_tick(log, clock_mono_ns(), true), 0);
		log_close(log);
		read_all(place, counts, gaps, sizeof(gaps));
		snprintf(want, sizeof(want), "\"reason\":\"segment %s by others\"", ways[i]);
		assert_non_null(strstr(gaps, want));
		assert_int_equal(counts[LOG_GAP], 1);
		assert_int_equal(counts[LOG_REQUEST], 1);
		for_each_file(place, last, true);
	}
}

static void a_disk_that_refuses_is_an_error_and_then_a_gap_and_nothing_kept_is_lost(void **state)
{
	struct place *place = *state;
	struct log_writer *log = open_log(place, 0);
	struct rlimit old, small;
	struct log_counts counts_of_log;
	int counts[LOG_TYPE_MAX];
	char gaps[8192];

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 600;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 100; i++)
		append(log, LOG_REQUEST, "{\"a\":1}");
	assert_int_equal(log_tick(log, clock_mono_ns(), true), -EFBIG);
	append(log, LOG_REQUEST, "{\"b\":1}");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(log_tick(log, clock_mono_ns(), true), 0);
	log_count(log, &counts_of_log);
	assert_true(counts_of_log.write_errors > 0);
	assert_int_equal(counts_of_log.entries_lost, 0);
	log_close(log);
	read_all(place, counts, gaps, sizeof(gaps));
	assert_int_equal(counts[LOG_REQUEST], 101);
	assert_int_equal(counts[LOG_GAP], 1);
	assert_non_null(strstr(gaps, "\"error\":\"EFBIG\""));
}

static void what_does_not_fit_while_the_disk_refuses_is_counted(void **state)
{
	struct place *place = *state;
	struct log_writer *log = open_log(place, 0);
	struct rlimit old, small;
	int counts[LOG_TYPE_MAX];
	char *large = malloc(1 << 20);
	char gaps[8192];

	assert_non_null(large);
	memset(large, ' ', 1 << 20);
	large[0] = '{';
	large[(1 << 20) - 1] = '}';
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 10; i++)
		log_append(log, LOG_REQUEST, large, 1 << 20);
	assert_true(log_tick(log, clock_mono_ns(), true) < 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(log_tick(log, clock_mono_ns(), true), 0);
	log_close(log);
	free(large);
	read_all(place, counts, gaps, sizeof(gaps));
	assert_in_range(counts[LOG_REQUEST], 3, 6);
	assert_int_equal(counts[LOG_GAP], 1);
	assert_non_null(strstr(gaps, "\"entries_lost\":"));
	assert_null(strstr(gaps, "\"entries_lost\":0"));
}

static void a_reader_from_now_on_sees_only_what_comes(void **state)
{
	struct place *place = *state;
	struct log_writer *log = open_log(place, 0);
	struct log_source *source;
	struct log_entry entry;

	append(log, LOG_REQUEST, "{\"a\":1}");
	log_tick(log, clock_mono_ns(), true);
	assert_int_equal(log_source_dir_from_now(place->dir_fd, &source), 0);
	assert_int_equal(log_source_next(source, &entry), 0);
	append(log, LOG_REQUEST, "{\"b\":1}");
	log_tick(log, clock_mono_ns(), true);
	assert_int_equal(log_source_next(source, &entry), 1);
	assert_memory_equal(entry.json, "{\"b\":1}", 7);
	assert_int_equal(log_source_next(source, &entry), 0);
	log_source_free(source);
	log_close(log);
}

static void the_facts_of_an_entry_are_read_from_its_front(void **state)
{
	static const char json[] = "{\"schema\":\"x\",\"uid\":\"aa-7\",\"session\":{\"id\":\"aa\","
				   "\"name\":\"crm\",\"uid\":1000},\"req_id\":{\"broken";
	struct entry_facts facts;

	assert_int_equal(entry_facts(json, sizeof(json) - 1, &facts), 0);
	assert_string_equal(facts.uid, "aa-7");
	assert_string_equal(facts.session, "aa");
	assert_string_equal(facts.name, "crm");
	assert_int_equal(facts.user, 1000);
	assert_int_equal(entry_facts("]", 1, &facts), -EBADMSG);
}

#define PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE(what_is_written_is_read_in_its_order),
		PLACE(segments_are_rotated_by_size_and_read_as_one),
		PLACE(entries_of_several_writers_come_in_the_order_of_time),
		PLACE(a_torn_tail_is_cut_and_said_once_and_its_sessions_end),
		PLACE(a_session_that_began_in_an_earlier_segment_is_ended_too),
		PLACE(a_living_writers_segment_is_left_alone),
		PLACE(a_flipped_bit_is_a_gap_and_the_next_segment_goes_on),
		PLACE(harm_by_others_is_noticed_and_a_new_segment_goes_on),
		PLACE(a_disk_that_refuses_is_an_error_and_then_a_gap_and_nothing_kept_is_lost),
		PLACE(what_does_not_fit_while_the_disk_refuses_is_counted),
		PLACE(a_reader_from_now_on_sees_only_what_comes),
		cmocka_unit_test(the_facts_of_an_entry_are_read_from_its_front),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
