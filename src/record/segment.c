/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/segment.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define NEW_NS (10 * NS_PER_S) /* a writer has written something into its segment by then */

static bool writer_lives(const struct segment *segment)
{
	if (flock(segment->fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	flock(segment->fd, LOCK_UN);
	return false;
}

/* What there is of an open segment beyond `at`, in bytes. */
static int bytes_left(const struct segment *segment, uint64_t *ret_left)
{
	struct stat st;

	if (fstat(segment->fd, &st) < 0)
		return -errno;
	*ret_left = (uint64_t)st.st_size > segment->at ? (uint64_t)st.st_size - segment->at : 0;
	return 0;
}

/* The writer is gone, and no whole entry is left. */
static enum look look_at_end(const struct segment *segment, uint64_t left)
{
	if (left)
		return LOOK_TORN;
	if (log_is_closed(segment->fd) == 1)
		return LOOK_OVER;
	if (segment->at)
		return LOOK_OPEN;
	/* its writer may be about to lock it */
	return clock_real_ns() < segment->start_ns + NEW_NS ? LOOK_STALLED : LOOK_EMPTY;
}

enum look segment_look(struct segment *segment)
{
	uint64_t left = 0, left_then = UINT64_MAX;
	ssize_t got;

	for (;;) {
		if (bytes_left(segment, &left) < 0)
			return LOOK_BAD;
		if (left >= LOG_HEAD_BYTES) {
			got = pread(segment->fd, segment->encoded, LOG_HEAD_BYTES,
				    (off_t)segment->at);
			if (got != LOG_HEAD_BYTES ||
			    log_head_decode(segment->encoded, LOG_HEAD_BYTES, &segment->head) != 1)
				return LOOK_BAD;
			if (segment->head.length <= left - LOG_HEAD_BYTES) {
				segment->has_head = true;
				return LOOK_READY;
			}
		}
		/* it may have written on and ended since its size was asked */
		if (left == left_then)
			return look_at_end(segment, left);
		if (writer_lives(segment))
			return LOOK_STALLED;
		left_then = left;
	}
}

void segment_step_over(struct segment *segment)
{
	const struct log_head *head = &segment->head;

	segment->at += LOG_HEAD_BYTES + head->length;
	if (!segment->numbered || head->seq >= segment->next_seq)
		segment->next_seq = head->seq + 1;
	segment->numbered = true;
	segment->has_head = false;
}

void segment_skip_past(struct segment *segment)
{
	if (log_is_closed(segment->fd) == 1) {
		struct stat st;

		if (!fstat(segment->fd, &st))
			segment->at = (uint64_t)st.st_size;
		return;
	}
	while (segment_look(segment) == LOOK_READY)
		segment_step_over(segment);
}
