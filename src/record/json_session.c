/* SPDX-License-Identifier: BSD-2-Clause */
/* The entries about a session as a whole. */
#include <string.h>

#include "record/json.h"

void json_session_start(struct buf *out, const struct session *session)
{
	const struct mf_r_session *info = &session->info;
	struct jsonout json;

	json_begin(&json, out, "mcpfloor.session-start/1");
	json_session(&json, session);
	json_kv_u64(&json, "relay_pid", info->relay_pid);
	json_kv_str(&json, "engine", json_engine(info->engine));
	json_coverage(&json, info->coverage);
	json_policy(&json, session, session->policy);
	if (info->cwd[0])
		json_kv_str(&json, "cwd", info->cwd);
	json_key(&json, "started");
	json_time(&json, info->started_ns);
	if (info->mounts_unmarked)
		json_kv_u64(&json, "mounts_unmarked", info->mounts_unmarked);
	json_finish(&json);
}

static void write_counters(struct jsonout *json, const struct mf_j_counters *counters)
{
	const struct {
		const char *name;
		uint64_t value;
	} named[] = { { "lines_in", counters->lines_in },
		      { "lines_out", counters->lines_out },
		      { "bytes_in", counters->bytes_in },
		      { "bytes_out", counters->bytes_out },
		      { "not_protocol_in", counters->not_protocol_in },
		      { "not_protocol_out", counters->not_protocol_out },
		      { "overlong_in", counters->overlong_in },
		      { "overlong_out", counters->overlong_out },
		      { "unmatched", counters->unmatched },
		      { "journal_lost", counters->journal_lost },
		      { "messages_dropped", counters->messages_dropped } };

	json_key(json, "relay");
	json_open(json, '{');
	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		json_kv_u64(json, named[i].name, named[i].value);
	json_close(json, '}');
}

static void write_leftovers(struct jsonout *json, const struct session *session,
			    const struct mf_r_gone *gone)
{
	json_kv_u64(json, "killed", gone->killed);
	json_kv_u64(json, "survived", gone->survived);
	json_key(json, "leftovers");
	json_open(json, '[');
	for (size_t i = 0; i < MF_LEFTOVERS_MAX && i < gone->killed + gone->survived; i++) {
		const struct mf_leftover *left = &gone->leftovers[i];
		const struct birth *birth = session->history.births;

		if (!left->pid)
			break;
		while (birth && birth->epoch != left->birth >> 16)
			birth = birth->next;
		json_open(json, '{');
		json_kv_u64(json, "pid", left->pid);
		json_kv_text(json, "comm", left->comm, strnlen(left->comm, sizeof(left->comm)));
		json_kv_text(json, "exe", left->exe, strnlen(left->exe, sizeof(left->exe)));
		json_say_escaped(json);
		if (!(left->birth & 0xffff)) {
			json_key(json, "born");
			json_null(json);
		} else if (birth && birth->count) {
			json_key(json, "born");
			json_uid(json, session, birth->names[0]);
		}
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void write_exit_status(struct jsonout *json, const struct mf_j_exit *exit)
{
	uint32_t status = exit->status;

	json_key(json, "exit");
	json_open(json, '{');
	if (status & 0x7f)
		json_kv_u64(json, "signal", status & 0x7f);
	else
		json_kv_u64(json, "code", (status >> 8) & 0xff);
	if (exit->flags & MF_EXIT_TERM_SENT)
		json_kv_bool(json, "term_sent", true);
	if (exit->flags & MF_EXIT_KILL_SENT)
		json_kv_bool(json, "kill_sent", true);
	json_close(json, '}');
}

void json_session_end(struct buf *out, const struct session *session, const struct mf_r_gone *gone,
		      const char *end, uint64_t t_ns)
{
	static const uint64_t none[MF_LOSS_MAX];
	uint64_t lost[MF_LOSS_MAX];
	struct jsonout json;
	uint32_t incomplete = session->incomplete;

	if (session_lost(session, none, lost))
		incomplete |= INC_EVENTS_LOST;
	json_begin(&json, out, "mcpfloor.session-end/1");
	json_session(&json, session);
	json_key(&json, "started");
	json_time(&json, session->info.started_ns);
	json_key(&json, "ended");
	json_time(&json, session_real_ns(session, t_ns));
	json_kv_str(&json, "end", end);
	if (session->exited)
		write_exit_status(&json, &session->exit);
	json_kv_u64(&json, "requests", session->requests_begun);
	json_kv_u64(&json, "requests_incomplete", session->requests_incomplete);
	json_kv_u64(&json, "events", session->events);
	if (session->counters_known)
		write_counters(&json, &session->counters);
	if (gone)
		write_leftovers(&json, session, gone);
	json_incomplete(&json, session, incomplete);
	json_lost(&json, lost);
	json_finish(&json);
}

void json_session_gap(struct buf *out, const struct session *session, const char *reason)
{
	struct jsonout json;

	json_begin(&json, out, "mcpfloor.gap/1");
	json_session(&json, session);
	json_kv_str(&json, "reason", reason);
	json_finish(&json);
}
