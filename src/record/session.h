/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One session as the recorder sees it: journal entries and kernel events in, log entries out. Pure:
 * no descriptors, no clock; times come with the entries and events.
 *
 * The caller decides when a request that has ended is closed (drain barrier) and feeds events in
 * the order of the ring. session_event() says -EAGAIN when the journal has not told the event's
 * epoch yet: the caller reads the journal and tries again, or gives up with `force`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/recorder.h"
#include "base/buf.h"
#include "record/frame.h"
#include "record/history.h"
#include "record/journal.h"
#include "record/label.h"
#include "record/process.h"
#include "record/rows.h"
#include "record/verdict.h"

/* why a record is not complete; names in json.c */
enum incomplete {
	INC_EVENTS_LOST = 1 << 0,
	INC_ROWS_CAPPED = 1 << 1,
	INC_PROCESSES_CAPPED = 1 << 2,
	INC_EPOCH_UNKNOWN = 1 << 3,
	INC_PROCESS_UNKNOWN = 1 << 4,
	INC_ARGUMENTS_UNREAD = 1 << 5,
	INC_NOT_COVERED = 1 << 6,
	INC_MOUNTS = 1 << 7,
	INC_PATH = 1 << 8,
	INC_BARRIER = 1 << 9,
	INC_GUARD_DIED = 1 << 10,
	INC_RESTARTED = 1 << 11,
	INC_JOURNAL = 1 << 12,
	INC_RELAY_GONE = 1 << 13,
	INC_CANDIDATES = 1 << 14,
	INC_MEMORY = 1 << 15, /* a text was not kept */
	INC_POLICY = 1 << 16, /* the session's policy could not be read: nothing was decided */
	INC_REASONS = 17,
};

struct blob {
	char *bytes;
	size_t size;
};

struct tool {
	struct tool *next;
	struct mf_j_tool definition;
	uint32_t changes; /* how often it came again with another digest */
	char name[];
};

struct request {
	struct request *next; /* in its bucket */
	struct request *newer, *older; /* of the session */
	struct request *next_ended;
	uint64_t ordinal;
	uint64_t begin_ns; /* CLOCK_MONOTONIC */
	struct mf_j_begin begin;
	struct blob text[JOURNAL_TEXTS]; /* id, tool, args, trace, method */
	bool cancelled;
	bool ended;
	uint64_t begin_epoch, end_epoch;
	uint64_t end_ns;
	uint64_t named; /* the cut list that names it */
	struct mf_j_end end;
	struct blob reply;
	bool tool_known;
	struct mf_j_tool tool; /* the definition in force when it began */
	uint32_t tool_changes;
	uint64_t lost[MF_LOSS_MAX]; /* the session's counters when it began */
	uint32_t incomplete; /* enum incomplete */
	struct rows rows;
	uint64_t barrier; /* the caller's: token of the drain barrier, 0: not asked */
	uint64_t close_at; /* the caller's: ring position */
	bool drained; /* the caller's: close_at is valid */
	uint64_t asked_ns; /* the caller's */
	uint32_t block; /* of the policy of that generation */
	uint64_t block_generation;
	struct {
		void *bytes; /* NULL: none */
		struct policy view; /* of them */
	} grants[2]; /* by the last bit of the policy's generation */
};

#define BATCH_ROWS 1000

/* events that go into no open record, gathered to one entry */
struct batch {
	struct rows rows;
	uint64_t lost[MF_LOSS_MAX];
	uint32_t incomplete;
};

/* the recorder's share of struct mf_stats */
struct session_stats {
	uint64_t folded, capped, epoch_unknown, journal_entries, journal_bad, records;
};

/* Takes one log entry. */
typedef void session_emit(void *data, enum log_type type, const struct buf *json);

struct session {
	struct mf_r_session info;
	char id[17]; /* hexadecimal */
	struct history history;
	struct process_table processes;
	struct request **buckets;
	size_t buckets_count, requests_count;
	struct request *newest, *oldest;
	struct request *ended_first, *ended_last; /* ended, not closed yet, in the order of their
						   * ends */
	struct tool *tools;
	size_t tools_bytes;
	struct blob server, server_version, protocol;
	struct mf_j_counters counters;
	bool counters_known;
	struct mf_j_exit exit;
	bool exited; /* MF_J_EXIT came */
	bool journal_over; /* nothing more will come from it */
	bool journal_broken;
	uint32_t incomplete; /* holds for every record from now on */
	uint64_t requests_begun, requests_closed, requests_incomplete, events;
	struct batch background, late;
	size_t rows_bytes; /* of all rows */
	struct {
		bool valid;
		uint64_t birth, lo, hi;
		uint32_t flags;
		struct row_label label;
	} memo; /* the last label: runs of events share it */
	uint64_t unnamed; /* lists of candidates that were cut so far */
	struct session_policy *policy; /* the newest; NULL: nothing is decided */
	uint64_t seed;
	const struct mf_session_counters *mapped; /* NULL: not known */
	uint64_t lost_calm[MF_LOSS_MAX]; /* the counters when they were last settled */
	struct session_stats *stats;
	struct buf *scratch; /* for entries; the caller's */
	session_emit *emit;
	void *emit_data;
};

struct session_setup {
	const struct mf_r_session *info;
	const struct mf_session_counters *mapped;
	struct session_policy *policy; /* the session's from a success on; NULL: none */
	uint64_t seed; /* of hash tables that hold attackers' bytes */
	struct session_stats *stats;
	struct buf *scratch;
	session_emit *emit;
	void *emit_data;
};

/* Emits LOG_SESSION_START (and an LOG_GAP when the session is resumed). */
int session_new(const struct session_setup *setup, struct session **ret_session);
void session_free(struct session *session);

/* Feeds one journal packet. -EBADMSG: the journal is broken, nothing of it counts any more. */
int session_journal(struct session *session, const void *packet, size_t size);

/* 0, or -EAGAIN: its epoch, or the policy that decided it, is not told yet, and `force` is not set. */
int session_event(struct session *session, const struct event_view *event, bool force);

struct request *session_request(const struct session *session, uint64_t ordinal);
/* Ends it without the relay's word. */
void session_end_request(struct session *session, struct request *request, enum mf_end end,
			 uint64_t t_ns);
/* Emits the record of session->ended_first and forgets it. */
void session_close_first(struct session *session);

/* Emits what belongs to no open record when it is old or large enough, or anyway. */
void session_flush(struct session *session, uint64_t now_ns, bool all);

/* Emits LOG_SESSION_END; `gone` may be NULL. `end` says how. All requests must be closed. */
void session_finish(struct session *session, const struct mf_r_gone *gone, const char *end,
		    uint64_t t_ns);

/* CLOCK_REALTIME of a moment of CLOCK_MONOTONIC. */
uint64_t session_real_ns(const struct session *session, uint64_t mono_ns);

/* Emits the entry that is in `scratch`, and empties it. */
void session_put(struct session *session, enum log_type type);
/* The guard says what became of the policy, or of its mode. `loaded`: the new one, taken over whatever
 * the outcome; NULL: it could not be read, or there is none. */
void session_take_policy(struct session *session, const struct mf_r_policy *said,
			 struct session_policy *loaded);
/* It was decided by one that the guard has not told of yet. */
bool session_awaits_policy(const struct session *session, const struct mf_event *head);
/* Whatever was decided by a policy that is replaced by now was fed. */
void session_settle_policies(struct session *session);
/* What its arguments let it touch; 0, -EBADMSG. */
int session_grants(struct session *session, const struct journal_view *entry);
/* What the policy says of an event with this label. */
struct verdict session_judge(const struct session *session, const struct event_view *event,
			     const struct label *label);

/* Its counters now, or as they were last seen. `ret_lost` may be those that were settled last. */
void session_lost_so_far(const struct session *session, uint64_t ret_lost[MF_LOSS_MAX]);
/* Losses of the session since `before`. */
uint64_t session_lost(const struct session *session, const uint64_t *before,
		      uint64_t ret_lost[MF_LOSS_MAX]);

/* Every record that is open lacks something: enum incomplete. */
void session_taint_open(struct session *session, uint32_t incomplete);
/* And every later one. */
void session_taint(struct session *session, uint32_t incomplete);

/*
 * Whether more is lost than the caller settled last; the counters as they are now. What was begun
 * before such a loss stands in the journal by now: once the journal is read, session_settle() makes
 * these counters the ones from which later requests count.
 */
bool session_losing(const struct session *session, uint64_t ret_lost[MF_LOSS_MAX]);
void session_settle(struct session *session, const uint64_t lost[MF_LOSS_MAX]);
