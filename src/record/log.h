/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Writing the log: one process, one open segment, frames appended in batches.
 *
 * Segments are <CLOCK_REALTIME ns, 20 digits>-<pid>.mfl in a directory that other writers may share;
 * the writer of a segment holds its flock. A segment that ended well ends with a closing entry
 * (LOG_SEGMENT, state "closed"); one without, whose lock is free, was left by a writer that died:
 * the next writer cuts its torn tail, says so in a LOG_GAP entry of its own, ends its sessions, and
 * closes it.
 *
 * An entry is never refused: where the disk does not take it, it waits, and beyond a bound it is
 * counted; both end in a LOG_GAP entry when writing works again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/frame.h"

#define LOG_SEGMENT_BYTES (64U << 20) /* a new segment beyond */
#define LOG_SYNC_NS 50000000ULL /* entries reach the disk at most this much later */
#define LOG_PENDING_MAX (4U << 20) /* kept in memory while the disk refuses */

struct log_writer;

struct log_counts {
	uint64_t entries, bytes, write_errors, entries_lost;
};

struct log_options {
	int dir_fd; /* borrowed */
	uint64_t segment_bytes; /* 0: LOG_SEGMENT_BYTES */
};

/* Repairs what dead writers left, then begins a segment. */
int log_open(const struct log_options *options, struct log_writer **ret_log);

void log_append(struct log_writer *log, enum log_type type, const void *payload, size_t size);

/* Writes what is batched, syncs when it is time (`sync`: now), looks whether the segment is still
 * the one that it was. Returns 0, or -errno while the log cannot be written. */
int log_tick(struct log_writer *log, uint64_t now_ns, bool sync);

/* When log_tick() has something to do: CLOCK_MONOTONIC ns, UINT64_MAX: nothing. */
uint64_t log_due_ns(const struct log_writer *log);

void log_count(const struct log_writer *log, struct log_counts *ret_counts);

/* Writes, syncs, closes the segment. */
void log_close(struct log_writer *log);

/* Whether a directory entry is a segment; *ret_start_ns is from its name. */
bool log_is_segment(const char *name, uint64_t *ret_start_ns);
/* 1: it ends with a closing entry; 0: it does not; -errno. */
int log_is_closed(int fd);
/* Ends a dead writer's segment, which the caller has locked. */
int log_write_closing(int fd, uint64_t offset, uint64_t seq);

#define LOG_NAME_MAX 48
