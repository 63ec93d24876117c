/* SPDX-License-Identifier: BSD-2-Clause */
/* A session's events before its policy: whose doing they are decides which blocks they face. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "record/json.h"

/* One that can be read in two ways, or has no answer and so no end, lends its tool's block to nobody. */
#define NO_BLOCK (MF_JF_DUP_KEYS | MF_JF_ID_MISSING | MF_JF_ID_NULL)

uint32_t session_block(const struct session *session, const struct request *request)
{
	const struct blob *tool = &request->text[1];
	const char *method = json_method(request->begin.method);

	if (!session->policy || request->begin.flags & NO_BLOCK)
		return MF_POL_DEFAULT;
	switch (request->begin.method) {
	case MF_M_TOOLS_CALL:
		return policy_tool_block(&session->policy->view, tool->bytes, tool->size);
	case MF_M_RESOURCES_READ:
	case MF_M_PROMPTS_GET:
		return policy_tool_block(&session->policy->view, method, strlen(method));
	default:
		return MF_POL_DEFAULT;
	}
}

int session_grants(struct session *session, const struct journal_view *entry)
{
	struct request *request = session_request(session, entry->head->ordinal);
	_cleanup_free_ void *bytes = NULL;
	struct policy grants;

	if (request && request->grants_bytes)
		return -EBADMSG;
	if (!session->policy)
		return 0;
	if (!request) { /* its BEGIN was lost */
		session->incomplete |= INC_JOURNAL;
		return 0;
	}
	if (request->begin.flags & NO_BLOCK)
		return 0;
	if (!entry->text_size[0]) { /* what it is allowed cannot be told from what it is not */
		request->incomplete |= INC_POLICY;
		return 0;
	}
	bytes = malloc(entry->text_size[0]);
	if (!bytes) {
		request->incomplete |= INC_MEMORY;
		return 0;
	}
	memcpy(bytes, entry->text[0], entry->text_size[0]);
	if (policy_validate(bytes, entry->text_size[0], &grants, NULL) ||
	    !(grants.head->flags & MF_POL_GRANTS))
		return -EBADMSG;
	request->grants_bytes = take_ptr(bytes);
	request->grants = grants;
	return 0;
}

struct verdict session_judge(const struct session *session, const struct event_view *event,
			     const struct label *label)
{
	struct policy_request requests[HISTORY_NAMES_MAX];
	struct calls calls = { .requests = requests,
			       .known = !label->unknown && !label->live_more };

	if (!session->policy)
		return VERDICT_NONE;
	/* there it was asked about when it was bound, and by what port it has now nobody asked */
	if (event->head->kind == MF_EV_LISTEN && session->info.engine == MF_ENGINE_LSM &&
	    !(event->head->decision.flags & MF_DECIDED))
		return VERDICT_NONE;
	for (uint32_t i = 0; i < label->live; i++) {
		const struct request *request = session_request(session, label->names[i]);

		if (!request) { /* its record is written, and what it was granted forgotten */
			calls.known = false;
			continue;
		}
		requests[calls.count++] = (struct policy_request){
			.block = request->block,
			.grants = request->grants_bytes ? &request->grants : NULL,
		};
	}
	return verdict_of(session->policy, event, &calls);
}
