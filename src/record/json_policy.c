/* SPDX-License-Identifier: BSD-2-Clause */
/* What of a session's policy is in its entries: mode, name, and the line that decided. */
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "policy/floor.h"
#include "policy/words.h"
#include "record/json.h"

/* Whether what stands for the whole session refuses all that this policy denies of the ways out. */
static bool floor_has_ways(uint32_t floor, const struct policy *policy)
{
	return !(policy_floor_denied(policy) & ~floor & MF_FLOOR_WAYS);
}

/* What is not refused, although the policy may deny it. */
static void json_not_refused(struct jsonout *json, const struct session *session,
			     const struct policy *policy)
{
	static const struct {
		uint32_t bit;
		const char *what;
	} parts[] = { { MF_COV_REFUSES_OPENS, "opens" },
		      { MF_COV_REFUSES_CHANGES, "changes" },
		      { MF_COV_REFUSES_NET, "net" },
		      { MF_COV_REFUSES_ESCAPES, "ways-out" } };
	uint32_t refused = session->info.coverage;

	if (session->info.floor & MF_FLOOR_ALL_CHANGES)
		refused |= MF_COV_REFUSES_CHANGES;
	if (floor_has_ways(session->info.floor, policy))
		refused |= MF_COV_REFUSES_ESCAPES;
	json_key(json, "not_refused");
	json_open(json, '[');
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!(refused & parts[i].bit))
			json_str(json, parts[i].what);
	json_close(json, ']');
}

/* What the server's processes are denied for as long as they live, whatever its policy says later. */
static void json_floor(struct jsonout *json, uint32_t floor)
{
	const char *words[POLICY_FLOOR_WORDS];
	size_t count = policy_floor_words(floor, words);

	if (!count)
		return;
	json_key(json, "floor");
	json_open(json, '[');
	for (size_t i = 0; i < count; i++)
		json_str(json, words[i]);
	json_close(json, ']');
}

void json_policy(struct jsonout *json, const struct session *session,
		 const struct session_policy *policy)
{
	json_kv_str(json, "mode", policy_modes[policy ? policy->mode : MF_POL_OBSERVE].word);
	if (!policy)
		return;
	json_key(json, "policy");
	json_open(json, '{');
	json_kv_text(json, "name", policy->name, strlen(policy->name));
	json_key(json, "sha256");
	json_hex(json, policy->view.head->source_sha256, sizeof(policy->view.head->source_sha256));
	json_kv_u64(json, "generation", policy->generation);
	if (policy->mode == MF_POL_ENFORCE)
		json_not_refused(json, session, &policy->view);
	json_floor(json, session->info.floor);
	json_close(json, '}');
}

/* "crm.policy:14" */
static int print_line(struct buf *out, const struct policy *policy, const struct mf_pol_rule *rule)
{
	const char *name, *slash;
	size_t size;
	int err;

	name = policy_text(policy, policy->files[rule->file], &size);
	slash = memrchr(name, '/', size);
	if (size && name[0] == '/' &&
	    slash) { /* where it lies is nobody's business who reads a record */
		size -= (size_t)(slash + 1 - name);
		name = slash + 1;
	}
	err = escape_text(out, name, size);
	return err ? err : buf_printf(out, ":%u", rule->line);
}

static void write_line(struct jsonout *json, const char *key, const struct policy *policy,
		       uint32_t index)
{
	const struct mf_pol_rule *rule = policy_rule(policy, index);
	_cleanup_buf_ struct buf text = { 0 };

	if (!rule)
		return;
	if (print_line(&text, policy, rule))
		json->error = -ENOMEM;
	else
		json_kv_text(json, key, buf_bytes(&text), buf_size(&text));
}

void json_verdict(struct jsonout *json, const struct session_policy *base, const struct row *row)
{
	static const char *const reasons[] = { [POLICY_BY_DENY] = "denied",
					       [POLICY_BY_CEILING_DENY] = "denied by a ceiling",
					       [POLICY_BY_CEILING] =
						       "no line of a ceiling allows it",
					       [POLICY_BY_NO_RULE] = "no line allows it",
					       [POLICY_BY_BELOW] = "denied below it",
					       [POLICY_BY_NO_TEXT] = "no block is about it",
					       [QUESTION_NO_PATH] = "its object has no path",
					       [QUESTION_NO_CALL] = "calls in flight not known",
					       [MF_POL_BY_FAULT] = "it could not be decided" };
	const struct verdict *verdict = &row->verdict;
	const struct session_policy *policy = verdict->policy;

	json_kv_str(json, "verdict", policy_verdicts[verdict->verdict].word);
	if (!verdict->reason)
		return;
	/* decided before or after the policy that the record speaks of was in force */
	if (base && verdict->generation != base->generation)
		json_kv_u64(json, "generation", verdict->generation);
	if (policy)
		write_line(json, "rule", &policy->view, verdict->rule);
	if (verdict->verdict != MF_ALLOW && verdict->reason < ARRAY_LEN(reasons) &&
	    reasons[verdict->reason])
		json_kv_str(json, "because", reasons[verdict->reason]);
	/* the block in which a line is missing */
	if (policy && !verdict->rule && verdict->block < policy->view.block_count)
		write_line(json, "block", &policy->view, policy->view.blocks[verdict->block].rule);
}

void json_policy_change(struct buf *out, const struct session *session,
			const struct mf_r_policy *said)
{
	static const char *const changes[] = {
		[MF_RP_LOADED] = "loaded", [MF_RP_REFUSED] = "refused", [MF_RP_MODE] = "mode"
	};
	struct jsonout json;

	json_begin(&json, out, "mcpfloor.policy/1");
	json_session(&json, session);
	json_kv_str(&json, "change",
		    said->change && said->change < ARRAY_LEN(changes) ? changes[said->change]
								      : "unknown");
	json_key(&json, "time");
	json_time(&json, session_real_ns(session, said->since_ns));
	json_policy(&json, session, session->policy);
	json_finish(&json);
}
