/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The relay's end of the protocol journal (abi/journal.h): entries are collected into packets, sent
 * without blocking, and kept in a bounded queue while the recorder is slow.
 *
 * Queue filling	what is given up
 * up to 8 MiB		nothing
 * up to 16 MiB		arguments and texts of new entries (their digests stay)
 * beyond		whole entries, counted in `lost`
 */

#include <stdbool.h>

#include "abi/journal.h"
#include "base/buf.h"

#define JOURNAL_THIN_BYTES (8U << 20)
#define JOURNAL_QUEUE_BYTES (16U << 20)
#define JOURNAL_WAIT_MS 200

struct journal {
	int fd; /* -1: no recorder */
	struct buf queue; /* packets, each behind its u32 size */
	size_t open_at; /* offset from the queue's front of the packet being filled; SIZE_MAX: none */
	bool stalled; /* a wait was in vain; none again before the queue is empty */
	uint64_t lost;
};

void journal_init(struct journal *journal);
void journal_close(struct journal *journal);
/* A new recorder: what was queued for the old one is forgotten. */
void journal_replace(struct journal *journal, int fd);
bool journal_thin(const struct journal *journal);
/* One entry, its size a multiple of 8 and at most MF_JOURNAL_PACKET. */
void journal_put(struct journal *journal, const void *entry, size_t size);
/* Sends what it can; waits up to wait_ms for room, once. -EPIPE: the recorder is gone. */
int journal_flush(struct journal *journal, int wait_ms);
static inline bool journal_waiting(const struct journal *journal)
{
	return buf_size(&journal->queue) > 0;
}
