/* SPDX-License-Identifier: BSD-2-Clause */
/* What a reader of the log says where something of it is missing, and that it reads on. */
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
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "record/log.h"
#include "record/reader.h"

#define OLD "00000000000000000007-1.mfl"
#define ENTRIES 5 /* 0 opens the segment, the last one closes it */

struct place {
	char path[64];
	int dir_fd;
	struct buf file;
	size_t at[ENTRIES + 1]; /* where each entry begins, and the end */
};

static void put_entry(struct buf *file, enum log_type type, uint64_t seq, const char *json)
{
	uint8_t encoded[LOG_HEAD_BYTES];
	struct log_head head = {
		.length = (uint32_t)strlen(json), .type = type, .seq = seq, .time_ns = 100 + seq
	};

	log_head_encode(&head, json, encoded);
	assert_int_equal(buf_append(file, encoded, sizeof(encoded)), 0);
	assert_int_equal(buf_append_str(file, json), 0);
}

static void put_closing(struct buf *file, uint64_t seq)
{
	int fd = memfd_create("closing", MFD_CLOEXEC);
	char bytes[256];
	ssize_t size;

	assert_int_equal(log_write_closing(fd, 0, seq), 0);
	size = pread(fd, bytes, sizeof(bytes), 0);
	assert_true(size > 0);
	assert_int_equal(buf_append(file, bytes, (size_t)size), 0);
	close(fd);
}

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	strcpy(place->path, "/tmp/mcpfloor-reader-XXXXXX");
	assert_non_null(mkdtemp(place->path));
	place->dir_fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(place->dir_fd >= 0);
	for (unsigned i = 0; i < ENTRIES; i++) {
		char json[32];

		snprintf(json, sizeof(json), "{\"n\":%u}", i);
		place->at[i] = buf_size(&place->file);
		if (i == ENTRIES - 1)
			put_closing(&place->file, i);
		else
			put_entry(&place->file, i ? LOG_REQUEST : LOG_SEGMENT, i, json);
	}
	place->at[ENTRIES] = buf_size(&place->file);
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;
	DIR *dir = fdopendir(dup(place->dir_fd));
	const struct dirent *entry;

	rewinddir(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(place->dir_fd, entry->d_name, 0);
	closedir(dir);
	close(place->dir_fd);
	assert_int_equal(rmdir(place->path), 0);
	buf_free(&place->file);
	free(place);
	return 0;
}

static uint8_t *bytes_of(const struct place *place)
{
	return (uint8_t *)buf_bytes(&place->file);
}

static void write_file(const struct place *place, const char *name, const void *bytes, size_t size)
{
	int fd = openat(place->dir_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

/* What a reader is given, in one line: numbers, gaps in braces, -1 for what a writer says. */
static void expect_read(const struct place *place, const char *want)
{
	struct log_source *source;
	struct log_entry entry;
	char line[500] = "";
	int got;

	assert_int_equal(log_source_dir(place->dir_fd, &source), 0);
	while ((got = log_source_next(source, &entry)) > 0) {
		size_t length = strlen(line);
		char *reason = strndup(entry.json, entry.size);
		const char *text = strstr(reason, "\"reason\":\"");
		const char *number = strstr(reason, "\"n\":");
		const char *lost = strstr(reason, "\"entries_lost\":");

		if (text && lost)
			snprintf(line + length, sizeof(line) - length, "{%.*s %d} ",
				 (int)strcspn(text + 10, "\""), text + 10, atoi(lost + 15));
		else if (text)
			snprintf(line + length, sizeof(line) - length, "{%.*s} ",
				 (int)strcspn(text + 10, "\""), text + 10);
		else
			snprintf(line + length, sizeof(line) - length, "%d ",
				 number ? atoi(number + 4) : -1);
		free(reason);
	}
	log_source_free(source);
	assert_int_equal(got, 0);
	assert_string_equal(line, want);
}

static void expect_file(const struct place *place, const char *want)
{
	write_file(place, OLD, buf_bytes(&place->file), buf_size(&place->file));
	expect_read(place, want);
}

static void a_whole_segment_has_no_gap(void **state)
{
	expect_file(*state, "0 1 2 3 -1 ");
}

static void one_bad_bit_costs_one_entry(void **state)
{
	struct place *place = *state;

	bytes_of(place)[place->at[2] + LOG_HEAD_BYTES + 3] ^= 1;
	expect_file(place, "0 1 {bad entry} 3 -1 ");
}

static void a_length_that_lies_costs_one_entry(void **state)
{
	struct place *place = *state;

	bytes_of(place)[place->at[1] + 6] ^= 1; /* 64 KiB more than there are */
	expect_file(place, "0 {bad entry} 2 3 -1 ");
}

static void an_entry_that_is_no_object_is_a_gap(void **state)
{
	struct place *place = *state;

	buf_reset(&place->file, 1 << 20);
	put_entry(&place->file, LOG_SEGMENT, 0, "{\"n\":0}");
	put_entry(&place->file, LOG_REQUEST, 1, "");
	put_entry(&place->file, LOG_REQUEST, 2, "hello");
	put_entry(&place->file, LOG_SEGMENT, 3, "{\"n\":3}");
	expect_file(place, "0 {bad entry} {bad entry} 3 {segment not closed by its writer} ");
}

static void an_entry_taken_out_is_a_gap(void **state)
{
	struct place *place = *state;
	uint8_t *bytes = bytes_of(place);

	write_file(place, OLD, bytes, place->at[2]);
	write_file(place, OLD, bytes + place->at[3], place->at[ENTRIES] - place->at[3]);
	expect_read(place, "0 1 {entries missing} 3 -1 ");
}

static void an_entry_put_in_twice_is_a_gap(void **state)
{
	struct place *place = *state;
	uint8_t *bytes = bytes_of(place);

	write_file(place, OLD, bytes, place->at[3]);
	write_file(place, OLD, bytes + place->at[2], place->at[ENTRIES] - place->at[2]);
	expect_read(place, "0 1 2 {entry out of order} 2 3 -1 ");
}

static void a_segment_that_was_shortened_is_a_gap(void **state)
{
	struct place *place = *state;

	write_file(place, OLD, bytes_of(place), place->at[3]);
	expect_read(place, "0 1 2 {segment not closed by its writer} ");
}

static void a_segment_that_was_emptied_is_a_gap(void **state)
{
	struct place *place = *state;

	write_file(place, OLD, "", 0);
	expect_read(place, "{segment is empty} ");
}

static void a_new_segment_is_waited_for_until_its_writer_has_locked_it(void **state)
{
	struct place *place = *state;
	struct log_source *source;
	struct log_entry entry;
	char name[LOG_NAME_MAX];

	snprintf(name, sizeof(name), "%020llu-1.mfl", (unsigned long long)clock_real_ns());
	assert_int_equal(log_source_dir(place->dir_fd, &source), 0);
	write_file(place, name, "", 0);
	assert_int_equal(log_source_next(source, &entry), 0);
	write_file(place, name, bytes_of(place), place->at[ENTRIES]);
	for (int i = 0; i < ENTRIES; i++)
		assert_int_equal(log_source_next(source, &entry), 1);
	assert_int_equal(log_source_next(source, &entry), 0);
	log_source_free(source);
}

static void a_writer_cuts_nothing_that_can_still_be_read(void **state)
{
	struct place *place = *state;
	struct log_options options = { .dir_fd = place->dir_fd };
	struct log_writer *log;

	bytes_of(place)[place->at[2] + LOG_HEAD_BYTES + 3] ^= 1;
	write_file(place, OLD, bytes_of(place), place->at[4]);
	write_file(place, OLD, "torn", 4);
	expect_read(place, "0 1 {bad entry} 3 {torn tail} ");
	assert_int_equal(log_open(&options, &log), 0);
	log_close(log);
	/* the new segment tells of both, and the old one is closed */
	expect_read(place, "0 1 {bad entry} 3 -1 {bad entry} {torn tail} -1 -1 ");
}

static void a_writer_whose_disk_refuses_to_the_end_says_what_is_lost(void **state)
{
	struct place *place = *state;
	struct log_options options = { .dir_fd = place->dir_fd };
	struct log_writer *log;
	struct rlimit old, small;
	char json[1000];

	memset(json, ' ', sizeof(json));
	json[0] = '{';
	memcpy(json + 1, "\"n\":7", 5);
	json[sizeof(json) - 1] = '}';
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 4096;
	assert_int_equal(log_open(&options, &log), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 9; i++)
		log_append(log, LOG_REQUEST, json, sizeof(json));
	log_close(log);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	expect_read(place, "-1 7 7 7 {write error 6} -1 ");
}

static void an_answer_that_ends_too_early_is_an_error(void **state)
{
	struct place *place = *state;
	const struct mf_query query = { .version = MF_ABI_VERSION };
	struct log_source *source;
	struct log_entry entry;

	for (int told = 0; told < 2; told++) {
		int ends[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
		assert_int_equal(log_source_socket(ends[0], &query, &source), 0);
		buf_reset(&place->file, 1 << 20);
		put_entry(&place->file, LOG_REQUEST, 0, "{\"n\":0}");
		if (told)
			put_entry(&place->file, LOG_ANSWER_END, 0, "{}");
		assert_int_equal(write(ends[1], buf_bytes(&place->file), buf_size(&place->file)),
				 buf_size(&place->file));
		shutdown(ends[1], SHUT_WR);
		assert_int_equal(log_source_next(source, &entry), 1);
		assert_int_equal(log_source_next(source, &entry), told ? 0 : -ECONNRESET);
		log_source_free(source);
		close(ends[1]);
	}
}

#define PLAY(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY(a_whole_segment_has_no_gap),
		PLAY(one_bad_bit_costs_one_entry),
		PLAY(a_length_that_lies_costs_one_entry),
		PLAY(an_entry_that_is_no_object_is_a_gap),
		PLAY(an_entry_taken_out_is_a_gap),
		PLAY(an_entry_put_in_twice_is_a_gap),
		PLAY(a_segment_that_was_shortened_is_a_gap),
		PLAY(a_segment_that_was_emptied_is_a_gap),
		PLAY(a_new_segment_is_waited_for_until_its_writer_has_locked_it),
		PLAY(a_writer_cuts_nothing_that_can_still_be_read),
		PLAY(a_writer_whose_disk_refuses_to_the_end_says_what_is_lost),
		PLAY(an_answer_that_ends_too_early_is_an_error),
	};

	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
