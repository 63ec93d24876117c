/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/advice.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/interpreter.h"
#include "policy/object.h"
#include "policy/quote.h"
#include "policy/words.h"

static void add_missing(struct policy_advice *advice, const struct policy_decision *without)
{
	for (size_t i = 0; i < advice->missing_count; i++) {
		if (advice->missing[i].block == without->block &&
		    (without->block != MF_POL_DEFAULT ||
		     advice->missing[i].request == without->request))
			return;
	}
	if (advice->missing_count < POLICY_ADVICE_MAX)
		advice->missing[advice->missing_count++] =
			(struct policy_missing){ without->block, without->request,
						 without->by_administrator };
}

/* In strict mode each call must be allowed it by itself. */
static void find_missing(const struct policy *policy, const struct policy_state *state,
			 const struct policy_access *access, const struct policy_weights *weights,
			 struct policy_advice *advice)
{
	if (weights->permission.verdict < MF_OBSERVED && !state->strict)
		add_missing(advice, &weights->permission);
	for (uint32_t i = 0; state->strict && i < state->request_count; i++) {
		struct policy_state alone = *state;
		struct policy_weights of_one;

		alone.requests = &state->requests[i];
		alone.request_count = 1;
		policy_weigh(policy, &alone, access, &of_one);
		of_one.permission.request = i;
		if (of_one.permission.verdict < MF_OBSERVED)
			add_missing(advice, &of_one.permission);
	}
	if (weights->permission.verdict < MF_OBSERVED && state->strict && !state->request_count)
		add_missing(advice, &weights->permission);
	if (weights->ceiling.verdict < MF_OBSERVED)
		add_missing(advice, &weights->ceiling);
}

void policy_advise(const struct policy *policy, const struct policy_state *state,
		   const struct policy_access *access, struct policy_advice *ret_advice)
{
	struct policy_advice advice = { .missing_count = 0 };
	struct policy_decision decision;
	struct policy_weights weights;

	policy_weigh(policy, state, access, &weights);
	policy_decide(policy, state, access, &decision);
	if (decision.verdict < MF_OBSERVED) {
		if (weights.permission.reason == POLICY_BY_ALLOW)
			advice.allowing = weights.permission;
		if ((!weights.denial.reason || weights.denial.verdict >= MF_OBSERVED) &&
		    weights.ceiling.reason != POLICY_BY_CEILING_DENY &&
		    weights.ceiling.reason != POLICY_BY_BELOW)
			find_missing(policy, state, access, &weights, &advice);
	}
	*ret_advice = advice;
}

static int add_path(struct buf *out, const struct policy_access *access, uint8_t verb,
		    const char *workspace, const char *home)
{
	_cleanup_free_ char *path = strndup(access->name, access->name_size);
	int r = 0;

	if (!path)
		return -ENOMEM;
	if (POLICY_QUOTED_MAX(access->name_size) > POLICY_LINE_MAX - 200)
		return -ENOENT;
	if (verb == MF_POL_CONNECT || verb == MF_POL_LISTEN)
		r = buf_append_str(out, "unix:");
	if (r == 0)
		r = policy_quote_path(out, access->name, access->name_size, workspace, home);
	if (r == 0 && verb == MF_POL_EXEC && policy_is_interpreter(path))
		r = buf_append_str(out, " " POLICY_WORD_INTERPRETER);
	return r;
}

static int add_address(struct buf *out, const struct policy_access *access, uint8_t verb,
		       const char *host)
{
	struct policy_address address = { .family = access->family };
	int r;

	if (verb == MF_POL_CONNECT && access->port == 0)
		return -ENOENT;
	memcpy(address.addr, access->addr, sizeof(address.addr));
	policy_address_normal(&address);
	r = host ? buf_append_str(out, host) : policy_address_print(out, &address);
	return r ? r : buf_printf(out, ":%u", access->port);
}

static int add_object(struct buf *out, const struct policy_access *access, uint8_t verb,
		      const char *host, const char *workspace, const char *home)
{
	int r;

	switch (access->kind) {
	case POLICY_ACCESS_PATH:
		return add_path(out, access, verb, workspace, home);
	case POLICY_ACCESS_ADDRESS:
		return add_address(out, access, verb, host);
	case POLICY_ACCESS_ABSTRACT:
		if (!access->name_size || access->name_size > MF_POL_ABSTRACT_MAX)
			return -ENOENT;
		r = buf_append_str(out, "unix:@");
		return r ? r : policy_quote(out, access->name, access->name_size);
	case POLICY_ACCESS_ESCAPE:
		break;
	}
	return (unsigned)access->escape < MF_POL_ESCAPE_MAX
		       ? buf_append_str(out, policy_escapes[access->escape].word)
		       : -ENOENT;
}

int policy_advice_line(struct buf *out, const struct policy_access *access, uint8_t verb,
		       const char *host, const char *workspace, const char *home)
{
	_cleanup_buf_ struct buf line = { 0 };
	const char *keyword = access->kind == POLICY_ACCESS_ESCAPE
				      ? policy_keywords[POLICY_KEY_ALLOW].word
				      : policy_verbs[verb].word;
	int r = buf_printf(&line, "%s ", keyword);

	if (r == 0)
		r = add_object(&line, access, verb, host, workspace, home);
	return r ? r : buf_append(out, buf_bytes(&line), buf_size(&line));
}
