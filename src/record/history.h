/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Which requests of a session were in flight at which epoch of its page (abi/page.h), as the
 * journal told it: every change of the set is one epoch, so a request is a span of epochs, and a
 * set is constant over lo..hi exactly when lo equals hi.
 *
 * Memory is bounded: spans that ended more than HISTORY_EPOCHS epochs ago are forgotten (what is
 * asked about earlier epochs is *unknown*); a birth keeps what labels need to know of its request,
 * however long ago it ended.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_EPOCHS 4096
#define HISTORY_OPEN_MAX 65536
#define HISTORY_BIRTHS_MAX 65536
#define HISTORY_NAMES_MAX 128

struct span {
	uint64_t ordinal;
	uint64_t begin; /* first epoch in flight */
	uint64_t end; /* first epoch not in flight any more; 0: in flight */
};

/* What is to be remembered of the set that processes were born in. */
struct birth {
	struct birth *next;
	uint64_t epoch;
	uint64_t ended_before; /* requests ended up to `epoch` */
	uint64_t sole_end; /* with one member: the epoch of its end, 0: in flight */
	uint64_t sole_ended_before; /* requests ended up to sole_end, itself included */
	uint32_t refs; /* live processes */
	uint32_t count; /* members in names */
	uint32_t more; /* further members */
	uint64_t names[HISTORY_NAMES_MAX];
};

struct history {
	struct span *open; /* in flight, in any order */
	size_t open_count, open_capacity;
	struct span *ended; /* a ring, in the order of their ends */
	size_t ended_first, ended_count, ended_capacity;
	uint64_t last; /* the latest epoch told */
	uint64_t floor; /* epochs below are forgotten */
	uint64_t begun, finished; /* requests so far */
	struct {
		uint64_t from, to;
	} unknown[16]; /* epochs that the journal skipped or contradicted, oldest first */
	size_t unknown_count;
	bool uncertain; /* entries were lost: the set is not known before it is empty again */
	struct birth *births; /* newest first */
	size_t births_count;
};

/* `known`: the session's story is told from its first epoch on. Otherwise it begins with the first
 * entry. */
void history_init(struct history *history, bool known);
void history_free(struct history *history);

/* A journal entry that changes the set. -EBADMSG when its epoch is not later than the last one,
 * -ENOSPC when too many are in flight. */
int history_begin(struct history *history, uint64_t stamp, uint64_t ordinal);
int history_end(struct history *history, uint64_t stamp, uint64_t ordinal);
/* A request that is in flight already, told to a recorder that begins in the middle. */
int history_resume(struct history *history, uint64_t stamp, uint64_t ordinal);

bool history_known(const struct history *history, uint64_t lo, uint64_t hi);

/* Requests in flight at any epoch of lo..hi: how many. Both must be known. */
uint64_t history_count(const struct history *history, uint64_t lo, uint64_t hi);
/* As above, by the requests ended up to lo, when lo itself may be forgotten already. */
uint64_t history_count_since(const struct history *history, uint64_t ended_before, uint64_t hi);

/* Adds to names[0 … *count] the requests in flight at any epoch of lo..hi that are not there yet,
 * newest first, up to `max`. */
void history_names(const struct history *history, uint64_t lo, uint64_t hi, uint64_t *names,
		   uint32_t *count, uint32_t max);

/* The birth of processes made at this stamp, with one more reference; NULL when the set is not
 * known. */
struct birth *history_birth(struct history *history, uint64_t stamp);
void history_birth_drop(struct birth *birth);
