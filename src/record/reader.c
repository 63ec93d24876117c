/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "record/jsonout.h"
#include "record/log.h"
#include "record/resync.h"
#include "record/segment.h"

struct log_source {
	int dir_fd; /* borrowed; -1: a socket */
	int sock;
	bool answered; /* all that there is was received */
	struct segment *segments; /* being read or still to be read, in the order of their names */
	char (*seen)[LOG_NAME_MAX]; /* names of all segments met so far, sorted */
	size_t seen_count, seen_capacity;
	struct buf payload;
};

void log_source_free(struct log_source *source)
{
	if (!source)
		return;
	while (source->segments) {
		struct segment *segment = source->segments;

		source->segments = segment->next;
		close_fd(segment->fd);
		free(segment);
	}
	close_fd(source->sock);
	free(source->seen);
	buf_free(&source->payload);
	free(source);
}

int log_source_fd(const struct log_source *source)
{
	return source->sock;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int note_segment(struct log_source *source, const char *name, uint64_t start_ns,
			bool from_end)
{
	struct segment **at = &source->segments;
	struct segment *segment;

	if (source->seen_count == source->seen_capacity) {
		size_t capacity = source->seen_capacity ? source->seen_capacity * 2 : 16;
		void *seen = realloc(source->seen, capacity * sizeof(*source->seen));

		if (!seen)
			return -ENOMEM;
		source->seen = seen;
		source->seen_capacity = capacity;
	}
	segment = calloc(1, sizeof(*segment));
	if (!segment)
		return -ENOMEM;
	/* log_is_segment() bounds it */
	memcpy(segment->name, name, strnlen(name, sizeof(segment->name) - 1));
	segment->start_ns = start_ns;
	segment->from_end = from_end;
	segment->fd = -1;
	memcpy(source->seen[source->seen_count++], segment->name, sizeof(segment->name));
	while (*at && strcmp((*at)->name, name) < 0)
		at = &(*at)->next;
	segment->next = *at;
	*at = segment;
	return 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Notes the segments that are new in the directory; returns how many. */
static int list_segments(struct log_source *source, bool from_end)
{
	int fd = openat(source->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(close_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t known = source->seen_count;
	const struct dirent *entry;
	int err = 0;

	if (!dir) {
		err = -errno;
		close_fd(fd);
		return err;
	}
	while (!err && (entry = readdir(dir))) {
		uint64_t start;

		if (!log_is_segment(entry->d_name, &start) ||
		    (known && bsearch(entry->d_name, source->seen, known, sizeof(*source->seen),
				      compare_names)))
			continue;
		err = note_segment(source, entry->d_name, start, from_end);
	}
	if (source->seen_count > known)
		qsort(source->seen, source->seen_count, sizeof(*source->seen), compare_names);
	return err ? err : (int)(source->seen_count - known);
}

static int source_new(int dir_fd, int sock, struct log_source **ret_source)
{
	struct log_source *source = calloc(1, sizeof(*source));

	if (!source)
		return -ENOMEM;
	source->dir_fd = dir_fd;
	source->sock = sock;
	*ret_source = source;
	return 0;
}

static int source_dir(int dir_fd, bool from_end, struct log_source **ret_source)
{
	struct log_source *source;
	int err = source_new(dir_fd, -1, &source);

	if (err)
		return err;
	err = list_segments(source, from_end);
	if (err < 0) {
		log_source_free(source);
		return err;
	}
	*ret_source = source;
	return 0;
}

int log_source_dir(int dir_fd, struct log_source **ret_source)
{
	return source_dir(dir_fd, false, ret_source);
}

int log_source_dir_from_now(int dir_fd, struct log_source **ret_source)
{
	return source_dir(dir_fd, true, ret_source);
}

int log_source_socket(int sock, const struct mf_query *query, struct log_source **ret_source)
{
	_cleanup_fd_ int owned = sock;
	int err;

	if (send(sock, query, sizeof(*query), MSG_NOSIGNAL) != (ssize_t)sizeof(*query))
		return errno ? -errno : -EIO;
	err = source_new(-1, sock, ret_source);
	if (!err)
		take_fd(&owned);
	return err;
}

static int give(struct log_source *source, const struct log_head *head, bool synthetic,
		struct log_entry *ret_entry)
{
	*ret_entry = (struct log_entry){ .type = head->type,
					 .seq = head->seq,
					 .time_ns = head->time_ns,
					 .json = (const char *)buf_bytes(&source->payload),
					 .size = buf_size(&source->payload),
					 .synthetic = synthetic };
	return 1;
}

static void drop_segment(struct log_source *source, struct segment *segment)
{
	struct segment **at = &source->segments;

	while (*at != segment)
		at = &(*at)->next;
	*at = segment->next;
	close_fd(segment->fd);
	free(segment);
}

/* Something of the segment is missing: said as an entry that is in no file. */
static int give_gap(struct log_source *source, const struct segment *segment, const char *reason,
		    uint64_t bytes, struct log_entry *ret_entry)
{
	struct log_head head = { .type = LOG_GAP, .time_ns = segment->start_ns };
	struct jsonout json = { .buf = &source->payload };

	if (segment->head.time_ns)
		head.time_ns = segment->head.time_ns;
	buf_reset(&source->payload, 1 << 20);
	json_open(&json, '{');
	json_kv_str(&json, "schema", "mcpfloor.gap/1");
	json_kv_str(&json, "reason", reason);
	json_kv_str(&json, "segment", segment->name);
	json_kv_u64(&json, "offset", segment->at);
	if (bytes)
		json_kv_u64(&json, "bytes", bytes);
	json_close(&json, '}');
	return json.error ? json.error : give(source, &head, true, ret_entry);
}

/* The rest of the segment cannot be read, and the next one is gone on with. */
static int give_end(struct log_source *source, struct segment *segment, const char *reason,
		    struct log_entry *ret_entry)
{
	int r = give_gap(source, segment, reason, 0, ret_entry);

	drop_segment(source, segment);
	return r;
}

/* What is at this place is no entry: what lies behind it is read all the same. Where nothing does,
 * the reason is `otherwise`. */
static int give_bad(struct log_source *source, struct segment *segment, const char *otherwise,
		    struct log_entry *ret_entry)
{
	uint64_t found = 0;
	struct stat st;
	int r = fstat(segment->fd, &st) < 0 ? -errno
					    : log_find_entry(segment->fd, segment->at + 1,
							     (uint64_t)st.st_size, &found);

	if (r <= 0)
		return give_end(source, segment, otherwise, ret_entry);
	r = give_gap(source, segment, "bad entry", found - segment->at, ret_entry);
	segment->at = found;
	segment->has_head = false;
	segment->numbered = false; /* said already */
	return r;
}

static const char *open_segment(const struct log_source *source, struct segment *segment)
{
	struct stat st;

	segment->fd = openat(source->dir_fd, segment->name,
			     O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (segment->fd < 0)
		return errno == ENOENT ? "segment removed" : "segment cannot be opened";
	if (fstat(segment->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return "segment is no file";
	segment->numbered = true;
	if (segment->from_end)
		segment_skip_past(segment);
	return NULL;
}

/* An entry is one JSON object; the checksum tells nothing about who made it. */
static bool is_object(const uint8_t *payload, size_t size)
{
	return size >= 2 && payload[0] == '{' && payload[size - 1] == '}';
}

static int read_entry(struct log_source *source, struct segment *segment,
		      struct log_entry *ret_entry)
{
	const struct log_head *head = &segment->head;
	uint64_t expected = segment->numbered ? segment->next_seq : head->seq;
	uint8_t *room;
	ssize_t got;
	int err;

	buf_reset(&source->payload, 1 << 20);
	err = buf_reserve(&source->payload, head->length + 1, &room);
	if (err)
		return err;
	got = pread(segment->fd, room, head->length, (off_t)(segment->at + LOG_HEAD_BYTES));
	if (got != (ssize_t)head->length || !log_crc_ok(head, segment->encoded, room) ||
	    !is_object(room, head->length))
		return give_bad(source, segment, "bad entry", ret_entry);
	if (head->seq != expected) {
		/* the entry itself is given next */
		segment->numbered = false;
		return give_gap(source, segment,
				head->seq > expected ? "entries missing" : "entry out of order", 0,
				ret_entry);
	}
	buf_commit(&source->payload, head->length);
	segment_step_over(segment);
	return give(source, head, false, ret_entry);
}

/* The earliest entry of the segments, opening those that may hold an earlier one. */
static int next_of_dir(struct log_source *source, struct log_entry *ret_entry)
{
	static const char *const faults[] = { [LOOK_OPEN] = "segment not closed by its writer",
					      [LOOK_EMPTY] = "segment is empty",
					      [LOOK_BAD] = NULL };
	struct segment *best = NULL;
	struct segment *next;

	for (struct segment *segment = source->segments; segment; segment = next) {
		const char *fault = NULL;
		enum look look = LOOK_READY;

		next = segment->next;
		if (segment->stalled)
			continue;
		if (segment->fd < 0) {
			/* later segments hold later entries only */
			if (best && best->head.time_ns < segment->start_ns)
				break;
			fault = open_segment(source, segment);
			if (fault)
				return give_end(source, segment, fault, ret_entry);
		}
		if (!segment->has_head)
			look = segment_look(segment);
		if (look == LOOK_BAD || look == LOOK_TORN)
			return give_bad(source, segment,
					look == LOOK_BAD ? "bad entry" : "torn tail", ret_entry);
		if (faults[look])
			return give_end(source, segment, faults[look], ret_entry);
		if (look == LOOK_OVER)
			drop_segment(source, segment);
		else if (look == LOOK_STALLED)
			segment->stalled = true;
		else if (!best || segment->head.time_ns < best->head.time_ns)
			best = segment;
	}
	return best ? read_entry(source, best, ret_entry) : 0;
}

static ssize_t receive(int sock, void *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = recv(sock, (char *)bytes + done, size - done, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static int next_of_socket(struct log_source *source, struct log_entry *ret_entry)
{
	uint8_t encoded[LOG_HEAD_BYTES];
	struct log_head head;
	uint8_t *room;
	ssize_t got;
	int err;

	if (source->answered)
		return 0;
	got = receive(source->sock, encoded, sizeof(encoded));
	if (got < 0)
		return (int)got;
	if (!got)
		return -ECONNRESET; /* the end of an answer is told */
	if (got != (ssize_t)sizeof(encoded) ||
	    log_head_decode(encoded, sizeof(encoded), &head) != 1)
		return -EBADMSG;
	buf_reset(&source->payload, 1 << 20);
	err = buf_reserve(&source->payload, head.length + 1, &room);
	if (err)
		return err;
	got = receive(source->sock, room, head.length);
	if (got < 0)
		return (int)got;
	if ((size_t)got != head.length || !log_crc_ok(&head, encoded, room))
		return -EBADMSG;
	if (head.type == LOG_ANSWER_END) {
		source->answered = true;
		return 0;
	}
	buf_commit(&source->payload, head.length);
	return give(source, &head, false, ret_entry);
}

int log_source_next(struct log_source *source, struct log_entry *ret_entry)
{
	int got;

	if (source->sock >= 0)
		return next_of_socket(source, ret_entry);
	for (;;) {
		got = next_of_dir(source, ret_entry);
		if (got)
			return got;
		got = list_segments(source, false);
		if (got <= 0)
			break;
	}
	/* the next call looks again */
	for (struct segment *segment = source->segments; segment; segment = segment->next)
		segment->stalled = false;
	return got;
}
