/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The recorder's state, shared by its files: recorder.c (life and loop), link.c (the guard's
 * packets and the journals), feed.c (ring → sessions), closing.c (when a record is closed).
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi/recorder.h"
#include "engine/ring.h"
#include "record/log.h"
#include "record/session.h"
#include "recorder/query.h"
#include "recorder/recorder.h"

#define HELD_BYTES_MAX (4U << 20) /* of one session, and of all unknown sessions together */

/* an event that waits: for the journal to tell its epoch, or for its session to be told */
struct held {
	struct held *next;
	uint64_t since_ns;
	size_t size;
	_Alignas(8) char record[];
};

struct held_queue {
	struct held *first, *last;
	size_t bytes;
};

struct live {
	struct live *next;
	struct live *next_in_bucket;
	struct session *session;
	struct recorder *recorder;
	int journal; /* -1: at its end */
	uint64_t journal_end_ns;
	struct held_queue held;
	bool policy_due; /* a policy was replaced: what it decided stands in the ring before … */
	uint64_t policy_at; /* … this position */
	bool gone;
	bool gone_told; /* by the guard; `gone_info` is valid */
	uint64_t gone_at; /* ring position */
	uint64_t gone_ns;
	struct mf_r_gone gone_info;
};

#define LIVE_BUCKETS 256

struct recorder {
	struct recorder_options options;
	int epoll;
	struct ring *ring;
	const struct mf_session_counters *counters;
	struct log_writer *log;
	struct query_server *queries;
	struct live *live;
	struct live *buckets[LIVE_BUCKETS];
	struct live *last; /* the session of the last event */
	size_t live_count;
	struct held_queue strangers;
	struct session_stats session_stats;
	struct mf_stats stats;
	struct buf scratch;
	void *packet; /* MF_JOURNAL_PACKET bytes */
	uint64_t seed;
	uint64_t token; /* the last barrier asked */
	uint64_t answered;
	bool guard_dead;
	bool quit;
	int log_error; /* as the guard was told */
	bool trim; /* a large record was closed */
	uint64_t now_ns;
	uint64_t active_ns; /* the last event or journal entry */
	uint64_t flushed_ns;
};

/* link.c */
void link_read_guard(struct recorder *recorder);
/* Reads what waits, up to a burst; whether all was read. */
bool link_read_journal(struct live *live);
/* `error`: -errno, why the log cannot be written; 0: it can. */
void link_report_log(struct recorder *recorder, int error);
/* Asks for a drain barrier; 0 when it could not be asked (again later). */
uint64_t link_ask_barrier(struct recorder *recorder);
void link_guard_died(struct recorder *recorder);
struct live *link_find(struct recorder *recorder, uint64_t session);
void link_forget(struct recorder *recorder, struct live *live);

/* feed.c */
size_t feed_ring(struct recorder *recorder);
/* Tries the held events again, in their order; `force`: whatever the journal says. */
void feed_held(struct live *live, bool force);
void feed_strangers(struct recorder *recorder);
void held_free(struct held_queue *queue);

/* closing.c */
void closing_step(struct recorder *recorder);
