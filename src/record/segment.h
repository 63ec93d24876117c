/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One segment being read, while its writer may live and write on.
 */

#include <stdbool.h>

#include "record/log.h"

struct segment {
	struct segment *next;
	char name[LOG_NAME_MAX];
	uint64_t start_ns;
	int fd; /* -1: not opened yet */
	uint64_t at;
	bool stalled; /* nothing more in it now */
	bool from_end; /* what is there already is not wanted */
	bool has_head;
	bool numbered; /* `next_seq` is known */
	uint64_t next_seq;
	uint8_t encoded[LOG_HEAD_BYTES];
	struct log_head head;
};

enum look {
	LOOK_READY, /* the next entry is there, `head` is its head */
	LOOK_STALLED, /* nothing now: its writer lives */
	LOOK_OVER,
	LOOK_TORN, /* the writer is gone, and half an entry is left */
	LOOK_OPEN, /* the writer is gone, and did not close it */
	LOOK_EMPTY, /* the writer is gone, and has written nothing */
	LOOK_BAD, /* what is there is no entry */
};

/* Whether the next entry of an open segment is there. */
enum look segment_look(struct segment *segment);
/* Behind the entry that `head` is the head of. */
void segment_step_over(struct segment *segment);
/* Behind the entries that are there, reading their heads only. */
void segment_skip_past(struct segment *segment);
