/* SPDX-License-Identifier: BSD-2-Clause */
/* `mcpfloor policy explain`: one question, decided by the tables that the kernel gets. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "cli/policy_names.h"
#include "cli/policy_question.h"
#include "cli/print_json.h"
#include "policy/advice.h"
#include "policy/build.h"
#include "policy/quote.h"
#include "policy/words.h"

/* One decision of the question, with what there is to say about it. */
struct answer {
	const struct question *question;
	const struct policy_address *address; /* NULL: it is about none */
	struct policy_decision decision;
	struct policy_advice advice;
};

/* Which call the answer was, where there are several: `tool`, its name. */
static int say_call(struct buf *out, const struct answer *answer)
{
	const struct question *question = answer->question;
	uint32_t request = answer->decision.request;
	const char *tool;
	int r;

	if (question->state.request_count < 2 || request >= question->state.request_count)
		return 0;
	tool = question->calls[request].tool;
	r = buf_append_str(out, "; of the calls in flight that of ");
	return r ? r : escape_text(out, tool, strlen(tool));
}

/* The head of the block that a line is missing in; of none yet, the head that it would have. */
static int say_missing_block(struct buf *out, const struct question *question,
			     const struct policy_missing *missing)
{
	const char *tool;
	int r;

	if (missing->block != MF_POL_DEFAULT)
		return policy_block_print(out, &question->policy, missing->block);
	if (missing->request >= question->state.request_count)
		return buf_append_str(out, "base");
	tool = question->calls[missing->request].tool;
	r = buf_append_str(out, "tool ");
	return r ? r : policy_quote(out, tool, strlen(tool));
}

/* 1: there is a line that could be added. */
static int say_missing_line(struct buf *out, const struct answer *answer)
{
	const struct question *question = answer->question;
	const char *host = buf_size(&question->host) ? (const char *)buf_bytes(&question->host)
						     : NULL;
	int r = policy_advice_line(out, &question->access, answer->decision.verb, host,
				   question->load.workspace, question->load.home);

	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

/* The line that would allow it, or the lines that are missing for that. */
static int say_advice(struct buf *out, const struct answer *answer)
{
	const struct question *question = answer->question;
	const struct policy_advice *advice = &answer->advice;
	int r = 0;

	if (advice->allowing.reason) {
		r = policy_rule_print(out, &question->policy, advice->allowing.rule);
		if (r == 0 && advice->allowing.by_grant)
			r = buf_append_str(out, ", by an argument of the call,");
		if (r == 0)
			r = buf_append_str(out, " would allow it\n");
	}
	for (size_t i = 0; r == 0 && i < advice->missing_count; i++) {
		_cleanup_buf_ struct buf line = { 0 };

		r = say_missing_line(&line, answer);
		if (r <= 0)
			return r;
		r = buf_append_str(out, "to allow it, in ");
		if (r == 0)
			r = say_missing_block(out, question, &advice->missing[i]);
		if (r == 0)
			r = buf_append_str(out, ": ");
		if (r == 0)
			r = buf_append(out, buf_bytes(&line), buf_size(&line));
		if (r == 0)
			r = buf_append_str(out, "\n");
	}
	return r;
}

static int print_text(const struct answer *answer)
{
	const struct question *question = answer->question;
	const struct policy_address *address = answer->address;
	_cleanup_buf_ struct buf out = { 0 };
	const char *asked = (const char *)buf_bytes(&question->path);
	size_t size = question->access.name_size;
	int r = 0;

	if (address && question->address_count > 1) {
		r = policy_address_print(&out, address);
		if (r == 0)
			r = buf_append_str(&out, ": ");
	}
	if (r == 0)
		r = policy_decision_print(&out, &question->policy, &question->state,
					  &answer->decision);
	if (r == 0)
		r = say_call(&out, answer);
	if (r == 0 && question->access.kind == POLICY_ACCESS_PATH &&
	    (strlen(asked) != size || memcmp(asked, question->access.name, size) != 0)) {
		r = buf_append_str(&out, "; it is ");
		if (r == 0)
			r = escape_text(&out, question->access.name, size);
	}
	if (r == 0)
		r = buf_append_str(&out, "\n");
	return r ? r : cli_policy_print(&out, stdout);
}

/* What is the same for several addresses is told once. */
static int add_advice(struct buf *all, const struct answer *answer)
{
	_cleanup_buf_ struct buf advice = { 0 };
	int r = say_advice(&advice, answer);

	if (r == 0)
		r = policy_names_print(&advice, answer->question, answer->decision.rule);
	if (r || !buf_size(&advice) ||
	    memmem(buf_bytes(all), buf_size(all), buf_bytes(&advice), buf_size(&advice)))
		return r;
	return buf_append(all, buf_bytes(&advice), buf_size(&advice));
}

static void print_bytes(yajl_gen gen, const char *name, const char *bytes, size_t size)
{
	_cleanup_free_ char *text = strndup(bytes, size);

	print_json_field(gen, name, text);
}

static void print_rule_fields(yajl_gen gen, const struct policy *policy,
			      const struct mf_pol_rule *rule)
{
	const char *text;
	size_t size;

	text = policy_text(policy, policy->files[rule->file], &size);
	print_bytes(gen, "file", text, size);
	print_json_count(gen, "line", rule->line);
	text = policy_text(policy, rule->text, &size);
	print_bytes(gen, "text", text, size);
}

static void print_rule(yajl_gen gen, const char *name, const struct policy *policy, uint32_t index)
{
	const struct mf_pol_rule *rule = policy_rule(policy, index);

	if (!rule)
		return;
	print_json_text(gen, name);
	yajl_gen_map_open(gen);
	print_rule_fields(gen, policy, rule);
	yajl_gen_map_close(gen);
}

/* `missing`: what could be added, and where. -ENOMEM. */
static int print_missing(yajl_gen gen, const struct answer *answer)
{
	_cleanup_buf_ struct buf line = { 0 };
	int r = answer->advice.missing_count ? say_missing_line(&line, answer) : 0;

	if (r <= 0)
		return r;
	print_json_text(gen, "missing");
	yajl_gen_array_open(gen);
	for (size_t i = 0; i < answer->advice.missing_count; i++) {
		_cleanup_buf_ struct buf block = { 0 };

		if (say_missing_block(&block, answer->question, &answer->advice.missing[i]))
			return -ENOMEM;
		yajl_gen_map_open(gen);
		print_bytes(gen, "block", (const char *)buf_bytes(&block), buf_size(&block));
		print_bytes(gen, "line", (const char *)buf_bytes(&line), buf_size(&line));
		yajl_gen_map_close(gen);
	}
	yajl_gen_array_close(gen);
	return 0;
}

/* What became of each line with an argument of the call in it. */
static void print_arguments(yajl_gen gen, const struct question *question,
			    const struct question_call *call)
{
	print_json_text(gen, "arguments");
	yajl_gen_array_open(gen);
	for (size_t i = 0; i < call->reports.count; i++) {
		const struct policy_grant_report *report = &call->reports.reports[i];
		const struct mf_pol_rule *rule = policy_rule(&question->policy, report->rule);

		if (!rule)
			continue;
		yajl_gen_map_open(gen);
		print_rule_fields(gen, &question->policy, rule);
		print_json_bool(gen, "granted", report->why == POLICY_GRANT_OK);
		if (report->why != POLICY_GRANT_OK) {
			print_json_field(gen, "why", policy_grant_why_word(report->why));
			print_json_field(gen, "reason", policy_grant_why_text(report->why));
		}
		yajl_gen_map_close(gen);
	}
	yajl_gen_array_close(gen);
}

static void print_calls(yajl_gen gen, const struct question *question)
{
	print_json_text(gen, "calls");
	yajl_gen_array_open(gen);
	for (size_t i = 0; i < question->state.request_count; i++) {
		yajl_gen_map_open(gen);
		print_json_field(gen, "tool", question->calls[i].tool);
		print_arguments(gen, question, &question->calls[i]);
		yajl_gen_map_close(gen);
	}
	yajl_gen_array_close(gen);
}

static int print_json(const struct answer *answer)
{
	/* index: enum policy_reason */
	static const char *const reasons[] = {
		[POLICY_BY_ALLOW] = "allow",
		[POLICY_BY_DENY] = "deny",
		[POLICY_BY_CEILING_DENY] = "ceiling-deny",
		[POLICY_BY_CEILING] = "ceiling",
		[POLICY_BY_NO_RULE] = "no-rule",
		[POLICY_BY_BELOW] = "below",
		[POLICY_BY_NO_TEXT] = "default",
	};
	const struct question *question = answer->question;
	const struct policy_decision *decision = &answer->decision;
	const struct policy_address *address = answer->address;
	_cleanup_buf_ struct buf said = { 0 }, shown = { 0 };
	yajl_gen gen = print_json_new();

	if (!gen || policy_decision_print(&said, &question->policy, &question->state, decision) ||
	    buf_append(&said, "", 1) ||
	    (address && (policy_address_print(&shown, address) || buf_append(&shown, "", 1))))
		return -ENOMEM;
	yajl_gen_map_open(gen);
	print_json_field(gen, "tool", strcmp(question->tool, "-") ? question->tool : NULL);
	print_json_field(gen, "verb", question->verb);
	print_json_field(gen, "object", question->object);
	if (question->access.kind == POLICY_ACCESS_PATH)
		print_bytes(gen, "path", question->access.name, question->access.name_size);
	print_json_field(gen, "address", address ? (const char *)buf_bytes(&shown) : NULL);
	print_json_field(gen, "verdict", policy_verdicts[decision->verdict].word);
	print_json_field(gen, "reason", reasons[decision->reason]);
	print_rule(gen, "rule", &question->policy,
		   decision->rule ? decision->rule : question->policy.blocks[decision->block].rule);
	print_json_bool(gen, "argument", decision->by_grant);
	if (answer->advice.allowing.reason)
		print_rule(gen, "would_allow", &question->policy, answer->advice.allowing.rule);
	if (print_missing(gen, answer))
		return -ENOMEM;
	if (policy_names_json(gen, question, decision->rule))
		return -ENOMEM;
	print_json_bool(gen, "strict", question->state.strict);
	print_calls(gen, question);
	print_json_field(gen, "text", (const char *)buf_bytes(&said));
	yajl_gen_map_close(gen);
	return print_json_line(gen, stdout);
}

/* Whether the line with an argument in it could allow what is asked. */
static bool is_asked(const struct question *question, uint32_t rule)
{
	for (uint32_t i = 0; i < question->policy.template_count; i++) {
		const struct mf_pol_template *template = &question->policy.templates[i];

		if (template->rule == rule)
			return !template->deny && policy_verbs_implied(template->verbs, false) &
							  question->access.verbs;
	}
	return false;
}

/* Why arguments grant nothing, where nothing else allows it either. */
static int print_reports(const struct question *question, const struct question_call *call)
{
	_cleanup_buf_ struct buf out = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < call->reports.count; i++) {
		const struct policy_grant_report *report = &call->reports.reports[i];
		const struct mf_pol_rule *rule = policy_rule(&question->policy, report->rule);
		size_t file_size, size;
		const char *file, *text;

		if (report->why == POLICY_GRANT_OK || !rule || !is_asked(question, report->rule))
			continue;
		file = policy_text(&question->policy, question->policy.files[rule->file],
				   &file_size);
		text = policy_text(&question->policy, rule->text, &size);
		r = escape_text(&out, file, file_size);
		if (r == 0)
			r = buf_printf(&out, ":%u: ", rule->line);
		if (r == 0)
			r = escape_text(&out, text, size);
		if (r == 0)
			r = buf_printf(&out, ": %s\n", policy_grant_why_text(report->why));
	}
	return r ? r : cli_policy_print(&out, stdout);
}

/* Decides for each address, or once. The least verdict is what the answer is. */
static int answer_all(struct question *question)
{
	_cleanup_buf_ struct buf advice = { 0 };
	enum mf_verdict least = MF_ALLOW;
	bool unmet = false; /* nothing allows it */
	size_t count = question->address_count ? question->address_count : 1;
	int r = 0;

	for (size_t i = 0; i < count; i++) {
		struct answer answer = { .question = question };

		if (question->address_count) {
			answer.address = &question->addresses[i];
			question->access.family = answer.address->family;
			memcpy(question->access.addr, answer.address->addr,
			       sizeof(answer.address->addr));
		}
		policy_decide(&question->policy, &question->state, &question->access,
			      &answer.decision);
		policy_advise(&question->policy, &question->state, &question->access,
			      &answer.advice);
		r = question->args->json ? print_json(&answer) : print_text(&answer);
		if (r == 0 && !question->args->json)
			r = add_advice(&advice, &answer);
		if (r < 0)
			return r;
		if (answer.decision.verdict < least)
			least = answer.decision.verdict;
		unmet |= answer.decision.reason == POLICY_BY_NO_RULE;
	}
	if (buf_size(&advice))
		r = cli_policy_print(&advice, stdout);
	for (size_t i = 0; unmet && !question->args->json && i < question->state.request_count; i++)
		r = r ? r : print_reports(question, &question->calls[i]);
	return r ? r : least >= MF_OBSERVED ? CLI_OK : CLI_POLICY_NO;
}

int cli_policy_explain(const struct cli_args *args)
{
	_cleanup_question_ struct question question = { 0 };
	int r = question_open(args, &question);

	if (r < 0)
		return CLI_POLICY_FAILED;
	r = answer_all(&question);
	if (r < 0)
		cli_error("policy explain: %s", strerror(-r));
	return r < 0 ? CLI_POLICY_FAILED : r;
}
