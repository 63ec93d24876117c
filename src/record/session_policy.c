/* SPDX-License-Identifier: BSD-2-Clause */
/* A session's events before its policy: whose doing they are decides which blocks they face. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "record/json.h"

/* One that can be read in two ways, or has no answer and so no end, lends its tool's block to nobody. */
#define NO_BLOCK (MF_JF_DUP_KEYS | MF_JF_ID_MISSING | MF_JF_ID_NULL)

/*
 * A tool's block, or that of a tool by the name of the method. What could not be read, or only in two
 * ways, or has no id, has none, which is MF_POL_DEFAULT.
 */
static uint32_t find_block(const struct session_policy *policy, const struct request *request)
{
	const struct blob *tool = &request->text[1];
	const char *method = json_method(request->begin.method);

	if (request->begin.flags & NO_BLOCK)
		return MF_POL_DEFAULT;
	switch (request->begin.method) {
	case MF_M_TOOLS_CALL:
		return policy_tool_block(&policy->view, tool->bytes, tool->size);
	case MF_M_RESOURCES_READ:
	case MF_M_PROMPTS_GET:
		return policy_tool_block(&policy->view, method, strlen(method));
	default:
		return MF_POL_DEFAULT;
	}
}

static uint32_t block_of(const struct session_policy *policy, struct request *request)
{
	if (request->block_generation != policy->generation)
		request->block = find_block(policy, request);
	request->block_generation = policy->generation;
	return request->block;
}

int session_grants(struct session *session, const struct journal_view *entry)
{
	struct request *request = session_request(session, entry->head->ordinal);
	const struct mf_j_grants *body = entry->body;
	_cleanup_free_ void *bytes = NULL;
	struct policy grants;

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
	free(request->grants[body->parity & 1].bytes);
	request->grants[body->parity & 1].bytes = take_ptr(bytes);
	request->grants[body->parity & 1].view = grants;
	return 0;
}

struct verdict session_judge(const struct session *session, const struct event_view *event,
			     const struct label *label)
{
	struct policy_request requests[HISTORY_NAMES_MAX];
	struct calls calls = { .requests = requests,
			       .known = !label->unknown && !label->live_more };
	const struct session_policy *policy;

	if (!session->policy)
		return VERDICT_NONE;
	policy = session_policy_at(session->policy, event->head->t_ns);
	for (uint32_t i = 0; i < label->live; i++) {
		unsigned parity = policy->generation & 1;
		struct request *request = session_request(session, label->names[i]);

		if (!request) { /* its record is written, and what it was granted forgotten */
			calls.known = false;
			continue;
		}
		requests[calls.count++] = (struct policy_request){
			.block = block_of(policy, request),
			.grants = request->grants[parity].bytes ? &request->grants[parity].view
								: NULL,
		};
	}
	return verdict_of(session->policy, event, &calls);
}

static void each_rows(struct session *session, void (*each)(struct rows *rows))
{
	for (struct request *request = session->oldest; request; request = request->newer)
		each(&request->rows);
	each(&session->background.rows);
	each(&session->late.rows);
}

static void load(struct session *session, struct session_policy *loaded)
{
	if (!loaded) { /* by which line something was decided cannot be told any more */
		session_taint(session, INC_POLICY);
		return;
	}
	loaded->older = session->policy;
	session->policy = loaded;
}

void session_take_policy(struct session *session, const struct mf_r_policy *said,
			 struct session_policy *loaded)
{
	if (!session->policy) {
		session_policy_free(loaded);
		return;
	}
	session->info.coverage = said->coverage;
	if (said->change == MF_RP_LOADED)
		load(session, loaded);
	session->policy->mode = said->mode > MF_POL_ENFORCE ? MF_POL_ENFORCE
							    : (enum mf_pol_mode)said->mode;
	if (said->change != MF_RP_REFUSED)
		each_rows(session, rows_seal);
	json_policy_change(session->scratch, session, said);
	session_put(session, LOG_POLICY);
}

bool session_awaits_policy(const struct session *session, const struct mf_event *head)
{
	return session->policy && head->decision.generation > session->policy->generation;
}

void session_settle_policies(struct session *session)
{
	struct session_policy *policy = session->policy ? session->policy->older : NULL;

	for (; policy; policy = policy->older)
		policy->settled = true;
	session_policy_forget(session->policy);
}
