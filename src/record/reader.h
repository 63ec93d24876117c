/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Reading the log: all entries of a log directory in the order of their time, or the same frames
 * from a recorder's query socket. Whoever reads does not see which of the two it is.
 *
 * A damaged entry is never skipped in silence: it comes out as an entry of type LOG_GAP with
 * `synthetic` set, and reading goes on with the next segment. Memory is bounded by the largest
 * entry.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/query.h"
#include "record/frame.h"

struct log_source;

struct log_entry {
	enum log_type type;
	uint64_t seq;
	uint64_t time_ns; /* CLOCK_REALTIME */
	const char *json; /* the payload, not NUL terminated; valid until the next call */
	size_t size;
	bool synthetic; /* made by the reader, not in the log */
};

/*
 * The segments below a log directory (STATE_DIR/log). The descriptor is borrowed for the source's
 * life. Entries written later are found by calling log_source_next() again after it returned 0.
 */
int log_source_dir(int dir_fd, struct log_source **ret_source);

/* As above, but without the entries that are there already. */
int log_source_dir_from_now(int dir_fd, struct log_source **ret_source);

/* Sends `query` on a connected SOCK_STREAM socket and reads the answer. Takes the descriptor over,
 * also on failure. With MF_Q_FOLLOW log_source_next() blocks until there is something. */
int log_source_socket(int sock, const struct mf_query *query, struct log_source **ret_source);

void log_source_free(struct log_source *source);

/* What poll(2) may watch between calls: the socket, or -1 for a directory. */
int log_source_fd(const struct log_source *source);

/* 1 and the entry; 0 when there is no more (now); -errno. */
int log_source_next(struct log_source *source, struct log_entry *ret_entry);

/*
 * What an entry is about, read from the front of its JSON without parsing it whole: whatever is not
 * there is 0 or empty.
 */
struct entry_facts {
	char session[20]; /* hexadecimal id */
	char name[64]; /* the session's */
	char uid[44]; /* the record's */
	uint32_t user; /* the session's uid; UINT32_MAX when not told */
};

int entry_facts(const char *json, size_t size, struct entry_facts *ret_facts);
