/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Log entries as JSON (docs/record.md). Each function appends one object to an empty buffer; where
 * memory runs out the buffer is left empty, and the caller writes what it has to a gap.
 */

#include "record/jsonout.h"
#include "record/session.h"

void json_request(struct buf *out, struct session *session, struct request *request,
		  bool *ret_complete);
void json_batch(struct buf *out, const struct session *session, const struct batch *batch,
		enum log_type type);
void json_session_start(struct buf *out, const struct session *session);
void json_session_end(struct buf *out, const struct session *session, const struct mf_r_gone *gone,
		      const char *end, uint64_t t_ns);
void json_session_gap(struct buf *out, const struct session *session, const char *reason);

/* Parts of the above. */
struct row_place {
	const struct session *session;
	const struct session_policy *policy; /* that the entry speaks of; NULL: none */
	uint64_t base_ns; /* t_ns of the entry's start */
	bool named; /* every row says which requests it names */
};

void json_row(struct jsonout *json, const struct row_place *place, const struct row *row);
/* Of a connection that is used again: who opened it, and in which requests. */
void json_opened(struct jsonout *json, const struct row_place *place,
		 const struct mf_ev_send_on *send);
void json_process(struct jsonout *json, const struct session *session,
		  const struct process *process);
void json_process_id(struct jsonout *json, const char *key, uint32_t pid, uint64_t start_ns);
void json_uid(struct jsonout *json, const struct session *session, uint64_t ordinal);
void json_argv(struct jsonout *json, const char *argv, size_t size);
void json_time(struct jsonout *json, uint64_t real_ns);
void json_lost(struct jsonout *json, const uint64_t lost[MF_LOSS_MAX]);
void json_coverage(struct jsonout *json, uint32_t coverage);
const char *json_engine(uint32_t engine);
/* "tools/call", … of enum mf_method. */
const char *json_method(unsigned method);

/* An entry's object, from its schema to its end. */
void json_begin(struct jsonout *json, struct buf *out, const char *schema);
void json_finish(struct jsonout *json);
/* `session` and `tenant`. */
void json_session(struct jsonout *json, const struct session *session);
/* `complete` and `incomplete`. */
void json_incomplete(struct jsonout *json, const struct session *session, uint32_t incomplete);
/* Parents that are still known, so that the processes of a record form a tree. */
void json_add_parents(const struct session *session, struct rows *rows);
/* `pid_lineage` and `processes`; `events`. */
void json_processes(struct jsonout *json, const struct session *session, const struct rows *rows);
void json_rows(struct jsonout *json, const struct row_place *place, const struct rows *rows);

/* `summary` and `claims`; *incomplete gets what the rows alone tell. */
void json_summary(struct jsonout *json, const struct session *session, const struct rows *rows,
		  uint32_t *incomplete);
/* `mode` and, where there is one, `policy`. */
void json_policy(struct jsonout *json, const struct session *session,
		 const struct session_policy *policy);
/* `verdict`, and which line or which missing line of which policy made it; `base`: the record's. */
void json_verdict(struct jsonout *json, const struct session_policy *base, const struct row *row);
/* The entry about a policy that was replaced, or was not, or has another mode. */
void json_policy_change(struct buf *out, const struct session *session,
			const struct mf_r_policy *said);
void json_claims(struct jsonout *json, const struct session *session,
		 const struct request *request);
