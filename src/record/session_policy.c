/* SPDX-License-Identifier: BSD-2-Clause */
/* A session's events before its policy: whose doing they are decides which blocks they face. */
#include <string.h>

#include "record/json.h"

uint32_t session_block(const struct session *session, const struct request *request)
{
	const struct blob *tool = &request->text[1];
	const char *method = json_method(request->begin.method);

	if (!session->policy)
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

void session_keep_block(struct session *session, const struct request *request)
{
	session->closed[request->ordinal % CLOSED_BLOCKS] =
		(struct closed_block){ .ordinal = request->ordinal, .block = request->block };
}

static uint32_t block_by_ordinal(const struct session *session, uint64_t ordinal)
{
	const struct request *request = session_request(session, ordinal);
	const struct closed_block *closed = &session->closed[ordinal % CLOSED_BLOCKS];

	if (request)
		return request->block;
	return closed->ordinal == ordinal ? closed->block : MF_POL_DEFAULT;
}

struct verdict session_judge(const struct session *session, const struct event_view *event,
			     const struct label *label)
{
	struct policy_request requests[HISTORY_NAMES_MAX];

	if (!session->policy)
		return VERDICT_NONE;
	for (uint32_t i = 0; i < label->count; i++)
		requests[i] = (struct policy_request){ .block = block_by_ordinal(session,
										 label->names[i]) };
	return verdict_of(session->policy, event, requests, label->count);
}
