/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Segments as a damaged disk, or someone with a grudge, would leave them: read by the reader, then
 * repaired by a writer, then read again. Entries whose JSON is none are refused by the renderer,
 * never trusted.
 *
 * An input is one segment's bytes. With the first byte's low bit set, frames get the checksum that
 * they should have, so that what is behind it is reached.
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "record/log.h"
#include "record/reader.h"
#include "record/render.h"

#define NAME "00000000000000000001-1.mfl"

static char place[] = "/dev/shm/fuzz-log-XXXXXX";
static int dir_fd = -1;

static void leave(void)
{
	unlinkat(dir_fd, NAME, 0);
	rmdir(place);
}

static void prepare(void)
{
	if (dir_fd >= 0)
		return;
	if (!mkdtemp(place))
		abort();
	dir_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		abort();
	atexit(leave);
}

static void put_right(uint8_t *bytes, size_t size)
{
	size_t at = 0;

	while (size - at >= LOG_HEAD_BYTES) {
		struct log_head head;

		memcpy(bytes + at, "MFL1", 4);
		if (log_head_decode(bytes + at, size - at, &head) != 1 ||
		    head.length > size - at - LOG_HEAD_BYTES)
			return;
		head.type = (uint16_t)(1 + head.type % (LOG_TYPE_MAX - 1));
		log_head_encode(&head, bytes + at + LOG_HEAD_BYTES, bytes + at);
		at += LOG_HEAD_BYTES + head.length;
	}
}

static void put_segment(const uint8_t *bytes, size_t size)
{
	_cleanup_fd_ int fd = openat(dir_fd, NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		abort();
}

/* One that says it ended well is not repaired, whatever is in its middle. */
static bool segment_is_closed(void)
{
	_cleanup_fd_ int fd = openat(dir_fd, NAME, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && log_is_closed(fd) == 1;
}

static void render(const struct log_entry *entry)
{
	struct render_style style = { 0 };
	struct json_text text = { entry->json, entry->size };
	_cleanup_buf_ struct buf out = { 0 };
	struct entry_facts facts;

	(void)entry_facts(entry->json, entry->size, &facts);
	(void)render_tail(&out, &style, entry);
	(void)render_list_row(&out, &style, entry);
	(void)render_record(&out, &style, &text, &text, 1);
	(void)render_record_json(&out, &text, &text, 1);
	(void)render_background(&out, &style, &text);
	(void)record_has_id(&text, "7");
}

/* A gap that a repair leaves none of; one between whole entries stays. */
static bool is_at_an_end(const struct log_entry *entry)
{
	static const char *const reasons[] = { "torn tail", "not closed" };

	for (size_t i = 0; entry->synthetic && i < ARRAY_LEN(reasons); i++)
		if (memmem(entry->json, entry->size, reasons[i], strlen(reasons[i])))
			return true;
	return false;
}

/* How many open ends; each entry is looked at. */
static int read_all(void)
{
	struct log_source *source;
	struct log_entry entry;
	int gaps = 0;

	if (log_source_dir(dir_fd, &source))
		abort();
	while (log_source_next(source, &entry) > 0) {
		gaps += is_at_an_end(&entry);
		if (entry.size < 65536)
			render(&entry);
	}
	log_source_free(source);
	return gaps;
}

static void remove_others(void)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		abort();
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, NAME))
			unlinkat(dir_fd, entry->d_name, 0);
	closedir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log_options options;
	struct log_writer *log;
	_cleanup_free_ uint8_t *bytes = NULL;
	bool closed;

	if (!size)
		return 0;
	prepare();
	bytes = malloc(size);
	memcpy(bytes, data + 1, size - 1);
	if (data[0] & 1)
		put_right(bytes, size - 1);
	put_segment(bytes, size - 1);
	closed = segment_is_closed();
	(void)read_all();
	options = (struct log_options){ .dir_fd = dir_fd };
	if (log_open(&options, &log))
		abort();
	log_close(log);
	/* what was repaired has no open end any more */
	if (size > 1 && !closed && read_all())
		abort();
	remove_others();
	return 0;
}
