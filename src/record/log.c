/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "record/jsonout.h"
#include "record/log_live.h"
#include "record/reader.h"
#include "record/recover.h"

#define BATCH_BYTES (256U << 10)
#define DIRECT_BYTES (64U << 10) /* entries larger than this are not copied */
#define RETRY_NS (100 * NS_PER_MS)

struct log_writer {
	int dir_fd;
	uint64_t segment_bytes;
	int fd; /* -1: none could be made yet */
	char name[LOG_NAME_MAX];
	uint64_t seq;
	uint64_t offset; /* bytes handed to the kernel */
	struct buf pending; /* frames not written yet */
	size_t begun; /* bytes of pending that are the rest of a frame partly in the file */
	uint64_t begun_at; /* … which begins there */
	uint64_t unsynced_ns; /* when the oldest entry that is not synced came; 0: none */
	int error; /* -errno: the last write failed */
	uint64_t failed_ns, retry_ns;
	uint64_t lost; /* entries, since it failed */
	const char *damage; /* what others did to `damaged`, not said yet */
	char damaged[LOG_NAME_MAX];
	struct log_live *live; /* sessions without an end yet */
	struct log_counts counts;
};

static struct buf take_buf(struct buf *buf)
{
	struct buf taken = *buf;

	*buf = (struct buf){ .limit = taken.limit };
	return taken;
}

static void fail(struct log_writer *log, int error)
{
	uint64_t now = clock_mono_ns();

	if (!log->error)
		log->failed_ns = now;
	log->error = error;
	log->retry_ns = now + RETRY_NS;
	log->counts.write_errors++;
}

/* Hands bytes to the kernel; returns how many it took. */
static size_t write_out(struct log_writer *log, const void *head, size_t head_size,
			const void *rest, size_t rest_size)
{
	size_t total = head_size + rest_size;
	size_t done = 0;

	while (done < total && log->fd >= 0) {
		struct iovec iov[2];
		int count = 0;
		ssize_t put;

		if (done < head_size)
			iov[count++] = (struct iovec){ (char *)head + done, head_size - done };
		if (rest_size) {
			size_t skip = done > head_size ? done - head_size : 0;

			iov[count++] = (struct iovec){ (char *)rest + skip, rest_size - skip };
		}
		put = writev(log->fd, iov, count);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			fail(log, put < 0 ? -errno : -EIO);
			break;
		}
		done += (size_t)put;
		log->offset += (size_t)put;
		log->counts.bytes += (size_t)put;
	}
	return done;
}

static void write_pending(struct log_writer *log)
{
	const uint8_t *at = buf_bytes(&log->pending);
	uint64_t base = log->offset;
	size_t put = write_out(log, at, buf_size(&log->pending), NULL, 0);
	size_t frame = log->begun;

	/* where the frame ends that the last byte taken is part of */
	while (frame < put) {
		struct log_head head;

		if (log_head_decode(at + frame, buf_size(&log->pending) - frame, &head) != 1)
			break; /* cannot be: these are our own frames */
		log->begun_at = base + frame;
		frame += LOG_HEAD_BYTES + head.length;
	}
	buf_consume(&log->pending, put);
	log->begun = frame - put;
}

static void count_entry(struct log_writer *log)
{
	log->seq++;
	log->counts.entries++;
	if (!log->unsynced_ns)
		log->unsynced_ns = clock_mono_ns();
}

static void put_frame(struct log_writer *log, enum log_type type, const void *payload, size_t size)
{
	struct log_head head = { .length = (uint32_t)size,
				 .type = (uint16_t)type,
				 .seq = log->seq,
				 .time_ns = clock_real_ns() };
	uint8_t encoded[LOG_HEAD_BYTES];
	size_t put = 0;
	uint8_t *room;

	log_head_encode(&head, payload, encoded);
	if (size >= DIRECT_BYTES && !log->error) {
		write_pending(log);
		if (!buf_size(&log->pending))
			put = write_out(log, encoded, sizeof(encoded), payload, size);
	}
	/* a frame is kept whole or not at all, unless its beginning is in the file already */
	if (!put && (buf_size(&log->pending) + size > LOG_PENDING_MAX ||
		     buf_reserve(&log->pending, sizeof(encoded) + size, &room) < 0)) {
		log->lost++;
		log->counts.entries_lost++;
		return;
	}
	count_entry(log);
	if (put) {
		log->begun = sizeof(encoded) + size - put;
		log->begun_at = log->offset - put;
	}
	if (put < sizeof(encoded)) {
		buf_append(&log->pending, encoded + put, sizeof(encoded) - put);
		put = sizeof(encoded);
	}
	buf_append(&log->pending, (const char *)payload + (put - sizeof(encoded)),
		   size - (put - sizeof(encoded)));
	if (buf_size(&log->pending) >= BATCH_BYTES && !log->error)
		write_pending(log);
}

/* Makes the next segment and puts its first entry. */
static int begin_segment(struct log_writer *log)
{
	_cleanup_buf_ struct buf text = { 0 };
	_cleanup_fd_ int fd = -1;
	struct jsonout json = { .buf = &text };
	char name[LOG_NAME_MAX];

	snprintf(name, sizeof(name), "%020llu-%u.mfl", (unsigned long long)clock_real_ns(),
		 (unsigned)getpid());
	fd = openat(log->dir_fd, name,
		    O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX) < 0 || fchmod(fd, 0600) < 0)
		return -errno;
	memcpy(log->name, name, sizeof(name));
	log->fd = take_fd(&fd);
	log->seq = 0;
	log->offset = 0;
	json_open(&json, '{');
	json_kv_str(&json, "schema", "mcpfloor.segment/1");
	json_kv_str(&json, "state", "open");
	json_kv_str(&json, "release", MCPFLOOR_VERSION);
	json_kv_u64(&json, "pid", (uint64_t)getpid());
	log_live_write(&json, log->live);
	json_close(&json, '}');
	if (json.error)
		return json.error;
	put_frame(log, LOG_SEGMENT, buf_bytes(&text), buf_size(&text));
	return 0;
}

static void close_segment(struct log_writer *log)
{
	if (log->fd < 0)
		return;
	if (!log->error && !buf_size(&log->pending))
		(void)log_write_closing(log->fd, log->offset, log->seq);
	(void)fdatasync(log->fd);
	log->fd = close_fd(log->fd);
}

static void rotate(struct log_writer *log)
{
	int err;

	write_pending(log);
	if (buf_size(&log->pending))
		return; /* the disk refuses; the segment grows on when it does not any more */
	close_segment(log);
	err = begin_segment(log);
	if (err)
		fail(log, err);
}

void log_append(struct log_writer *log, enum log_type type, const void *payload, size_t size)
{
	if (type == LOG_SESSION_START || type == LOG_SESSION_END)
		log_live_note(&log->live, type, payload, size);
	if (size > LOG_PAYLOAD_MAX || !size) {
		log->lost++;
		log->counts.entries_lost++;
		return;
	}
	if (log->offset + buf_size(&log->pending) >= log->segment_bytes && !log->error)
		rotate(log);
	put_frame(log, type, payload, size);
}

static int write_gap(struct buf *text, const struct log_writer *log, const char *reason, int error,
		     const char *segment)
{
	struct jsonout json = { .buf = text };

	json_open(&json, '{');
	json_kv_str(&json, "schema", "mcpfloor.gap/1");
	json_kv_str(&json, "reason", reason);
	if (error) {
		json_kv_str(&json, "error", strerrorname_np(-error));
		json_kv_u64(&json, "duration_ns", clock_mono_ns() - log->failed_ns);
	}
	json_kv_u64(&json, "entries_lost", log->lost);
	if (segment)
		json_kv_str(&json, "segment", segment);
	json_close(&json, '}');
	return json.error;
}

static void append_gap(struct log_writer *log, const char *reason, int error, const char *segment)
{
	_cleanup_buf_ struct buf text = { 0 };

	if (!write_gap(&text, log, reason, error, segment))
		put_frame(log, LOG_GAP, buf_bytes(&text), buf_size(&text));
}

/*
 * The disk refuses to the end: what waits is lost, and the room that the frame partly written has
 * taken is enough to say so.
 */
static void last_words(struct log_writer *log)
{
	_cleanup_buf_ struct buf text = { 0 };
	uint64_t end = log->begun ? log->begun_at : log->offset;
	struct log_head head;
	size_t waiting = log->begun ? 1 : 0;
	uint8_t encoded[LOG_HEAD_BYTES];

	buf_consume(&log->pending, log->begun);
	while (log_head_decode(buf_bytes(&log->pending), buf_size(&log->pending), &head) == 1) {
		buf_consume(&log->pending, LOG_HEAD_BYTES + head.length);
		waiting++;
	}
	log->lost += waiting;
	log->counts.entries_lost += waiting;
	if (write_gap(&text, log, "write error", log->error, NULL) < 0 ||
	    ftruncate(log->fd, (off_t)end) < 0)
		return;
	head = (struct log_head){ .length = (uint32_t)buf_size(&text),
				  .type = LOG_GAP,
				  .seq = log->seq - waiting,
				  .time_ns = clock_real_ns() };
	log_head_encode(&head, buf_bytes(&text), encoded);
	log->offset = end;
	log->seq = head.seq + 1;
	if (write_out(log, encoded, sizeof(encoded), buf_bytes(&text), buf_size(&text)) ==
	    sizeof(encoded) + buf_size(&text))
		(void)log_write_closing(log->fd, log->offset, log->seq);
}

/* Writing works again, or an entry could not be kept: say what is missing. */
static void settle(struct log_writer *log)
{
	int error = log->error;

	if (error && buf_size(&log->pending))
		return;
	if (!error && !log->lost)
		return;
	log->error = 0;
	append_gap(log, error ? "write error" : "entry could not be kept", error, NULL);
	log->lost = 0;
}

/* What others did to the open segment: NULL when nothing. */
static const char *segment_damage(const struct log_writer *log)
{
	struct stat ours, named;

	if (fstat(log->fd, &ours) < 0)
		return NULL;
	if (!ours.st_nlink)
		return "segment removed by others";
	if ((uint64_t)ours.st_size < log->offset)
		return "segment truncated by others";
	if (fstatat(log->dir_fd, log->name, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    named.st_ino != ours.st_ino || named.st_dev != ours.st_dev)
		return "segment renamed by others";
	return NULL;
}

/*
 * Begins a segment though entries wait: they were numbered for the old one, and come behind the new
 * one's first entry. What is half in the old file is lost.
 */
static int move_on(struct log_writer *log)
{
	_cleanup_buf_ struct buf waiting = take_buf(&log->pending);
	size_t begun = log->begun;
	int err = begin_segment(log);

	if (err) {
		buf_free(&log->pending);
		log->pending = take_buf(&waiting);
		return err;
	}
	log->begun = 0;
	if (begun) {
		buf_consume(&waiting, begun);
		log->lost++;
		log->counts.entries_lost++;
	}
	while (buf_size(&waiting)) {
		struct log_head head;

		if (log_head_decode(buf_bytes(&waiting), buf_size(&waiting), &head) != 1)
			break; /* cannot be: these are our own frames */
		log->counts.entries--; /* counted when it came */
		put_frame(log, head.type, buf_bytes(&waiting) + LOG_HEAD_BYTES, head.length);
		buf_consume(&waiting, LOG_HEAD_BYTES + head.length);
	}
	return 0;
}

static void check_segment(struct log_writer *log)
{
	const char *damage = log->fd >= 0 ? segment_damage(log) : NULL;
	char name[LOG_NAME_MAX];
	int err;

	if (!damage)
		return;
	memcpy(name, log->name, sizeof(name));
	/* it is not ours any more: not written to again, not even to close it */
	log->fd = close_fd(log->fd);
	log->damage = damage;
	memcpy(log->damaged, name, sizeof(name));
	err = move_on(log);
	if (err)
		fail(log, err);
}

int log_tick(struct log_writer *log, uint64_t now_ns, bool sync)
{
	bool due = sync || (log->unsynced_ns && now_ns >= log->unsynced_ns + LOG_SYNC_NS);

	if (log->error && now_ns < log->retry_ns && !sync)
		return log->error;
	if (due || buf_size(&log->pending))
		check_segment(log);
	if (log->fd < 0) {
		int err = move_on(log);

		if (err) {
			fail(log, err);
			return err;
		}
	}
	if (log->damage) {
		append_gap(log, log->damage, 0, log->damaged);
		log->damage = NULL;
		log->lost = 0;
	}
	write_pending(log);
	settle(log);
	write_pending(log);
	if (due && !buf_size(&log->pending)) {
		if (log->fd >= 0 && fdatasync(log->fd) < 0)
			fail(log, -errno);
		log->unsynced_ns = 0;
	}
	return log->error;
}

uint64_t log_due_ns(const struct log_writer *log)
{
	if (log->error)
		return log->retry_ns;
	if (log->unsynced_ns)
		return log->unsynced_ns + LOG_SYNC_NS;
	return UINT64_MAX;
}

void log_count(const struct log_writer *log, struct log_counts *ret_counts)
{
	*ret_counts = log->counts;
}

void log_close(struct log_writer *log)
{
	if (!log)
		return;
	if (log->fd >= 0)
		log_tick(log, clock_mono_ns(), true);
	if (log->fd >= 0 && log->error && buf_size(&log->pending))
		last_words(log);
	close_segment(log);
	log_live_free(&log->live);
	buf_free(&log->pending);
	free(log);
}

static void close_log(struct log_writer **log)
{
	log_close(*log);
}

int log_open(const struct log_options *options, struct log_writer **ret_log)
{
	_cleanup_(close_log) struct log_writer *log = calloc(1, sizeof(*log));
	int err;

	if (!log)
		return -ENOMEM;
	log->fd = -1;
	log->dir_fd = options->dir_fd;
	log->segment_bytes = options->segment_bytes ? options->segment_bytes : LOG_SEGMENT_BYTES;
	err = begin_segment(log);
	if (err == -ENOSPC || err == -EDQUOT)
		fail(log, err); /* as it would be later: what comes waits for room */
	else if (err)
		return err;
	err = log_recover(log, log->dir_fd);
	if (err)
		return err;
	*ret_log = take_ptr(log);
	return 0;
}
