/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection that is used again: the requests in which it was opened, as far as they are known. */
#include "abi/page.h"
#include "record/json.h"
#include "record/label.h"

static void label_opening(const struct session *session, const struct mf_ev_send_on *send,
			  struct label *ret_label)
{
	const struct process *opener =
		process_find(&session->processes, send->opener_start_ns, send->opener_pid);
	uint64_t epoch = MF_STAMP_EPOCH(send->opened_stamp);
	struct label_question question = { .lo = epoch,
					   .hi = epoch,
					   .born = MF_STAMP_EPOCH(send->opener_birth) };

	if (MF_STAMP_COUNT(send->opener_birth)) {
		question.birth = opener ? opener->birth : NULL;
		question.how = question.birth ? BIRTH_INSIDE : BIRTH_UNKNOWN;
	}
	label_of(&session->history, &question, ret_label);
}

void json_opened(struct jsonout *json, const struct row_place *place,
		 const struct mf_ev_send_on *send)
{
	const struct session *session = place->session;
	struct label label;

	json_kv_bool(json, "connected", true);
	if (!send->opener_pid)
		return;
	json_process_id(json, "opened_by", send->opener_pid, send->opener_start_ns);
	json_key(json, "opened_ns");
	json_i64(json, (int64_t)(send->opened_ns - place->base_ns));
	label_opening(session, send, &label);
	if (label.unknown || label.more)
		return; /* not known in full: absent */
	json_key(json, "opened_in");
	if (label.kind == LABEL_CANDIDATES) {
		json_open(json, '[');
		for (uint32_t i = 0; i < label.count; i++)
			json_uid(json, session, label.names[i]);
		json_close(json, ']');
	} else if (label.count) {
		json_uid(json, session, label.names[0]);
	} else {
		json_null(json);
	}
}
