/* SPDX-License-Identifier: BSD-2-Clause */
/* `mcpfloor policy explain`: one question, decided by the tables that the kernel gets. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "cli/policy.h"
#include "cli/print_json.h"
#include "policy/build.h"
#include "policy/compile.h"
#include "policy/decide.h"
#include "policy/grant.h"

struct question {
	const struct cli_args *args;
	const char *tool, *verb, *object;
	struct policy_load load;
	struct policy_world world;
	struct policy_access access;
	struct buf path; /* normalised, or the abstract name */
	struct buf resolved; /* every link followed */
	struct policy_address addresses[POLICY_HOST_ADDRS_MAX]; /* of a host name, or one */
	size_t address_count;
	struct buf image, grants;
	struct policy policy, granted;
	struct policy_grant_reports reports;
	struct policy_request request;
	struct policy_state state;
};

static void question_free(struct question *question)
{
	buf_free(&question->path);
	buf_free(&question->resolved);
	buf_free(&question->image);
	buf_free(&question->grants);
	free(question->reports.reports);
}

static int refuse(const char *what, const char *word, const char *reason)
{
	_cleanup_free_ char *shown = cli_shown(word);

	cli_error("policy explain: %s '%s': %s", what, shown, reason);
	return -EINVAL;
}

static int set_path(struct question *question, const char *path)
{
	_cleanup_buf_ struct buf named = { 0 };
	char here[4096];
	const char *cwd = question->args->cwd ? question->args->cwd : getcwd(here, sizeof(here));
	int r = policy_path_from(cwd, path, strlen(path), &question->path);

	if (r)
		return refuse("the path", path,
			      r == -ENAMETOOLONG ? "it is too long" : "expected an absolute path");
	if (buf_append(&question->path, "", 1))
		return -ENOMEM;
	r = policy_path_resolve(&question->world, (const char *)buf_bytes(&question->path), &named,
				&question->resolved, NULL, NULL);
	if (r < 0)
		return refuse("the path", path, strerror(-r));
	question->access.kind = POLICY_ACCESS_PATH;
	question->access.name = (const char *)buf_bytes(&question->resolved);
	question->access.name_size = buf_size(&question->resolved);
	return 0;
}

/* A scope is no part of what is decided. */
static void cut_scope(struct policy_endpoint_text *endpoint)
{
	const char *percent = memchr(endpoint->host, '%', endpoint->host_size);

	if (endpoint->bracketed && percent)
		endpoint->host_size = (size_t)(percent - endpoint->host);
}

static int set_host(struct question *question, const struct policy_endpoint_text *endpoint)
{
	_cleanup_buf_ struct buf name = { 0 };
	const char *reason = "it has no address";
	int count;

	if (policy_host_parse(endpoint->host, endpoint->host_size, &name, &reason) ||
	    buf_append(&name, "", 1))
		return refuse("the address", question->object, reason);
	if (strcmp((const char *)buf_bytes(&name), "localhost") == 0) {
		question->addresses[0] = (struct policy_address){ 4, { 127, 0, 0, 1 } };
		question->addresses[1] = (struct policy_address){ 6, { [15] = 1 } };
		question->address_count = 2;
		return 0;
	}
	count = question->world.resolve(question->world.data, (const char *)buf_bytes(&name),
					question->addresses, POLICY_HOST_ADDRS_MAX);
	if (count <= 0)
		return refuse("the address", question->object, reason);
	question->address_count =
		(size_t)(count < POLICY_HOST_ADDRS_MAX ? count : POLICY_HOST_ADDRS_MAX);
	return 0;
}

static int set_endpoint(struct question *question)
{
	struct policy_endpoint_text endpoint;
	struct policy_prefix prefix;
	struct policy_ports ports;
	const char *reason = "";
	int r = policy_endpoint_split(question->object, strlen(question->object), &endpoint,
				      &reason);

	if (r == 0)
		r = policy_ports_parse(endpoint.port, endpoint.port_size, &ports, &reason);
	if (r)
		return refuse("the address", question->object, reason);
	if (ports.first != ports.last)
		return refuse("the address", question->object, "expected one port");
	question->access.kind = POLICY_ACCESS_ADDRESS;
	question->access.port = ports.first;
	cut_scope(&endpoint);
	r = policy_prefix_parse(&endpoint, &prefix, &reason);
	if (r == -ENOENT)
		return set_host(question, &endpoint);
	if (r)
		return refuse("the address", question->object, reason);
	if (prefix.any || prefix.length != (prefix.address.family == 4 ? 32 : 128))
		return refuse("the address", question->object, "expected one address");
	question->addresses[0] = prefix.address;
	question->address_count = 1;
	return 0;
}

static int set_socket(struct question *question, const char *name)
{
	if (*name != '@')
		return set_path(question, name);
	question->access.kind = POLICY_ACCESS_ABSTRACT;
	question->access.name = name + 1;
	question->access.name_size = strlen(name + 1);
	return 0;
}

static int set_escape(struct question *question)
{
	int escape = policy_named_find(policy_escapes, MF_POL_ESCAPE_MAX, question->object,
				       strlen(question->object));

	if (escape < 0)
		return refuse("the word", question->object, "it is none of those of allow");
	question->access.kind = POLICY_ACCESS_ESCAPE;
	question->access.escape = (enum mf_pol_escape)escape;
	return 0;
}

static int set_object(struct question *question)
{
	bool is_unix = strncmp(question->object, "unix:", 5) == 0;
	int verb = policy_named_find(policy_verbs, MF_POL_VERB_MAX, question->verb,
				     strlen(question->verb));

	if (strcmp(question->verb, "allow") == 0)
		return set_escape(question);
	if (verb < 0)
		return refuse("the verb", question->verb,
			      "expected read, write, exec, connect, listen or allow");
	question->access.verbs = (uint8_t)MF_POL_BIT(verb);
	if (verb != MF_POL_CONNECT && verb != MF_POL_LISTEN)
		return is_unix ? refuse("the object", question->object, "expected a path")
			       : set_path(question, question->object);
	return is_unix ? set_socket(question, question->object + 5) : set_endpoint(question);
}

static int set_tool(struct question *question)
{
	const struct cli_args *args = question->args;
	char here[4096];
	struct policy_grant_call call = {
		.arguments = args->arguments,
		.arguments_size = args->arguments ? strlen(args->arguments) : 0,
		.cwd = args->cwd ? args->cwd : getcwd(here, sizeof(here)),
		.world = &question->world,
	};
	int r;

	question->state.mode = MF_POL_ENFORCE;
	if (strcmp(question->tool, "-") == 0)
		return 0;
	question->request.block =
		policy_tool_block(&question->policy, question->tool, strlen(question->tool));
	question->state.requests = &question->request;
	question->state.request_count = 1;
	if (!args->arguments)
		return 0;
	call.block = question->request.block;
	r = policy_grant_build(&question->policy, &call, &question->grants, &question->reports);
	if (r)
		return r;
	policy_view(buf_bytes(&question->grants), &question->granted);
	question->request.grants = &question->granted;
	return 0;
}

static int print_text(const struct question *question, const struct policy_decision *decision,
		      const struct policy_address *address)
{
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
		r = policy_decision_print(&out, &question->policy, &question->state, decision);
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

static void print_bytes(yajl_gen gen, const char *name, const char *bytes, size_t size)
{
	_cleanup_free_ char *text = strndup(bytes, size);

	print_json_field(gen, name, text);
}

static void print_rule(yajl_gen gen, const struct policy *policy, uint32_t index)
{
	const struct mf_pol_rule *rule = policy_rule(policy, index);
	const char *text;
	size_t size;

	if (!rule)
		return;
	print_json_text(gen, "rule");
	yajl_gen_map_open(gen);
	text = policy_text(policy, policy->files[rule->file], &size);
	print_bytes(gen, "file", text, size);
	print_json_count(gen, "line", rule->line);
	text = policy_text(policy, rule->text, &size);
	print_bytes(gen, "text", text, size);
	yajl_gen_map_close(gen);
}

static int print_json(const struct question *question, const struct policy_decision *decision,
		      const struct policy_address *address)
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
	print_rule(gen, &question->policy,
		   decision->rule ? decision->rule : question->policy.blocks[decision->block].rule);
	print_json_bool(gen, "argument", decision->by_grant);
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
static int print_reports(const struct question *question)
{
	_cleanup_buf_ struct buf out = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < question->reports.count; i++) {
		const struct policy_grant_report *report = &question->reports.reports[i];
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
static int answer(struct question *question)
{
	enum mf_verdict least = MF_ALLOW;
	bool unmet = false; /* nothing allows it */
	size_t count = question->address_count ? question->address_count : 1;

	for (size_t i = 0; i < count; i++) {
		const struct policy_address *address =
			question->address_count ? &question->addresses[i] : NULL;
		struct policy_decision decision;
		int r;

		if (address) {
			question->access.family = address->family;
			memcpy(question->access.addr, address->addr, sizeof(address->addr));
		}
		policy_decide(&question->policy, &question->state, &question->access, &decision);
		r = question->args->json ? print_json(question, &decision, address)
					 : print_text(question, &decision, address);
		if (r < 0)
			return r;
		if (decision.verdict < least)
			least = decision.verdict;
		unmet |= decision.reason == POLICY_BY_NO_RULE;
	}
	if (unmet && !question->args->json && print_reports(question))
		return -ENOMEM;
	return least >= MF_OBSERVED ? CLI_OK : CLI_POLICY_NO;
}

int cli_policy_explain(const struct cli_args *args)
{
	_cleanup_(question_free) struct question question = { .args = args,
							      .tool = args->operands[0],
							      .verb = args->operands[1],
							      .object = args->operands[2] };
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;
	int r;

	if (!args->policy) {
		cli_error("policy explain wants --policy FILE");
		return CLI_POLICY_FAILED;
	}
	tree = cli_policy_read(args, &args->policy, 1, true, true);
	if (!tree)
		return CLI_POLICY_FAILED;
	r = policy_compile(tree, &question.image);
	if (r < 0) {
		cli_error("policy explain: %s",
			  r == -E2BIG ? "the policy is too large to be kept" : strerror(-r));
		return CLI_POLICY_FAILED;
	}
	policy_view(buf_bytes(&question.image), &question.policy);
	cli_policy_load_options(args, &question.load);
	question.load.stand_in = true;
	policy_load_world(&question.load, &question.world);
	r = set_object(&question);
	if (r == 0)
		r = set_tool(&question);
	if (r == 0)
		r = answer(&question);
	if (r < 0 && r != -EINVAL)
		cli_error("policy explain: %s", strerror(-r));
	return r < 0 ? CLI_POLICY_FAILED : r;
}
