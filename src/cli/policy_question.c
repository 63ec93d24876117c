/* SPDX-License-Identifier: BSD-2-Clause */
/* What is asked, from the command line. */

#include "cli/policy_question.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "policy/compile.h"
#include "policy/words.h"

void question_close(struct question *question)
{
	for (size_t i = 0; i < QUESTION_CALLS_MAX; i++) {
		free(question->calls[i].tool);
		buf_free(&question->calls[i].grants);
		free(question->calls[i].reports.reports);
	}
	policy_tree_free(question->tree);
	buf_free(&question->path);
	buf_free(&question->resolved);
	buf_free(&question->host);
	buf_free(&question->image);
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
	const char *reason = "it has no address", *name;
	int count;

	if (policy_host_parse(endpoint->host, endpoint->host_size, &question->host, &reason) ||
	    buf_append(&question->host, "", 1))
		return refuse("the address", question->object, reason);
	name = (const char *)buf_bytes(&question->host);
	if (strcmp(name, "localhost") == 0) {
		question->addresses[0] = (struct policy_address){ 4, { 127, 0, 0, 1 } };
		question->addresses[1] = (struct policy_address){ 6, { [15] = 1 } };
		question->address_count = 2;
		return 0;
	}
	count = question->world.resolve(question->world.data, name, question->addresses,
					POLICY_HOST_ADDRS_MAX);
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

/* TOOL, or TOOL=JSON */
static int add_call(struct question *question, const char *tool, size_t tool_size,
		    const char *arguments)
{
	const struct cli_args *args = question->args;
	size_t index = question->state.request_count;
	struct question_call *call = &question->calls[index];
	struct policy_request *request = &question->requests[index];
	char here[4096];
	struct policy_grant_call grant = {
		.arguments = arguments,
		.arguments_size = arguments ? strlen(arguments) : 0,
		.cwd = args->cwd ? args->cwd : getcwd(here, sizeof(here)),
		.world = &question->world,
	};
	int r;

	call->tool = strndup(tool, tool_size);
	if (!call->tool)
		return -ENOMEM;
	call->arguments = arguments;
	request->block = policy_tool_block(&question->policy, tool, tool_size);
	question->state.request_count++;
	if (!arguments)
		return 0;
	grant.block = request->block;
	r = policy_grant_build(&question->policy, &grant, &call->grants, &call->reports);
	if (r)
		return r;
	policy_view(buf_bytes(&call->grants), &call->granted);
	request->grants = &call->granted;
	return 0;
}

static int set_calls(struct question *question)
{
	const struct cli_texts *with = &question->args->with;
	bool none = strcmp(question->tool, "-") == 0;
	int r = 0;

	question->state.mode = MF_POL_ENFORCE;
	question->state.strict = question->args->strict;
	question->state.requests = question->requests;
	if (none && with->count)
		return refuse("the tool", question->tool, "with --with, expected a tool's name");
	if (none && question->args->arguments)
		return refuse("the tool", question->tool, "no call has no arguments");
	if (!none)
		r = add_call(question, question->tool, strlen(question->tool),
			     question->args->arguments);
	for (unsigned i = 0; r == 0 && i < with->count; i++) {
		const char *equals = strchr(with->texts[i], '=');
		size_t size = equals ? (size_t)(equals - with->texts[i]) : strlen(with->texts[i]);

		if (!size)
			return refuse("--with", with->texts[i], "expected TOOL or TOOL=JSON");
		r = add_call(question, with->texts[i], size, equals ? equals + 1 : NULL);
	}
	return r;
}

static int set_policy(struct question *question)
{
	int r;

	question->tree = cli_policy_read(question->args, &question->args->policy, 1, true, true);
	if (!question->tree)
		return -EINVAL;
	r = policy_compile(question->tree, &question->image);
	if (r < 0) {
		cli_error("policy explain: %s",
			  r == -E2BIG ? "the policy is too large to be kept" : strerror(-r));
		return -EINVAL;
	}
	policy_view(buf_bytes(&question->image), &question->policy);
	cli_policy_load_options(question->args, &question->load);
	question->load.stand_in = true;
	policy_load_world(&question->load, &question->world);
	return 0;
}

int question_open(const struct cli_args *args, struct question *ret_question)
{
	struct question *question = ret_question;
	int r;

	*question = (struct question){ .args = args,
				       .tool = args->operands[0],
				       .verb = args->operands[1],
				       .object = args->operands[2] };
	if (!args->policy) {
		cli_error("policy explain wants --policy FILE");
		return -EINVAL;
	}
	r = set_policy(question);
	if (r == 0)
		r = set_object(question);
	if (r == 0)
		r = set_calls(question);
	if (r < 0 && r != -EINVAL)
		cli_error("policy explain: %s", strerror(-r));
	return r;
}
