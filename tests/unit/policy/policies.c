/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static int look(void *data, const char *path, struct buf *ret_target)
{
	const struct world *world = data;

	for (const struct there *there = world->there; there->path; there++) {
		if (strcmp(there->path, path) != 0)
			continue;
		if (strncmp(there->what, "-> ", 3) == 0)
			return buf_append_str(ret_target, there->what + 3) ? -ENOMEM
									   : POLICY_PATH_LINK;
		return strcmp(there->what, "dir") == 0 ? POLICY_PATH_DIRECTORY : POLICY_PATH_FILE;
	}
	return POLICY_PATH_MISSING;
}

static int links(void *data, const char *path,
		 void (*each)(void *each_data, const char *name, const char *target),
		 void *each_data)
{
	const struct world *world = data;
	size_t size = strlen(path);

	for (const struct there *there = world->there; there->path; there++) {
		if (strncmp(there->path, path, size) == 0 && there->path[size] == '/' &&
		    !strchr(there->path + size + 1, '/') && strncmp(there->what, "-> ", 3) == 0)
			each(each_data, there->path + size + 1, there->what + 3);
	}
	return 0;
}

static int add_address(const char *text, struct policy_address *ret_address)
{
	*ret_address = (struct policy_address){ 0 };
	ret_address->family = strchr(text, ':') ? 6 : 4;
	return inet_pton(ret_address->family == 6 ? AF_INET6 : AF_INET, text, ret_address->addr);
}

static int resolve(void *data, const char *name, struct policy_address *ret_addresses, size_t max)
{
	const struct world *world = data;
	int count = 0;

	for (const struct host_there *host = world->hosts; host->name; host++) {
		_cleanup_free_ char *copy = strdup(host->addresses);
		char *rest = copy, *word;

		if (strcmp(host->name, name) != 0)
			continue;
		while ((word = strsep(&rest, " "))) {
			struct policy_address address;

			assert_int_equal(add_address(word, &address), 1);
			if ((size_t)count < max)
				ret_addresses[count] = address;
			count++;
		}
	}
	return count;
}

static int include(void *data, const char *name, struct buf *ret_name, struct buf *ret_text)
{
	const struct world *world = data;

	for (const struct include_there *at = world->includes; at->name; at++) {
		if (strcmp(at->name, name) != 0)
			continue;
		if (!at->text)
			return -EACCES;
		return buf_append_str(ret_name, name) || buf_append_str(ret_text, at->text)
			       ? -ENOMEM
			       : 0;
	}
	return -ENOENT;
}

static struct policy_tree *parse_sources(const struct world *world, struct policy_sources *sources)
{
	struct policy_world asked = {
		.data = (void *)world,
		.workspace = world->workspace,
		.home = world->home,
		.include = world->includes ? include : NULL,
		.look = world->there ? look : NULL,
		.links = world->there ? links : NULL,
		.resolve = world->hosts ? resolve : NULL,
	};
	struct policy_tree *tree = NULL;

	assert_int_equal(policy_parse(sources, &asked, &tree), 0);
	assert_int_equal(sources->count, 0);
	return tree;
}

struct policy_tree *parse_in(const struct world *world, const char *text)
{
	struct policy_sources sources = { 0 };

	assert_int_equal(policy_sources_add(&sources, "p", text, strlen(text)), 0);
	return parse_sources(world, &sources);
}

struct policy_tree *parse(const char *text)
{
	return parse_in(&(struct world){ 0 }, text);
}

struct policy_tree *parse_files(const struct world *world, const char *name, ...)
{
	struct policy_sources sources = { 0 };
	va_list list;

	va_start(list, name);
	for (const char *file = name; file; file = va_arg(list, const char *)) {
		const char *text = va_arg(list, const char *);

		assert_int_equal(policy_sources_add(&sources, file, text, strlen(text)), 0);
	}
	va_end(list);
	return parse_sources(world, &sources);
}

const char *notes_of(const struct policy_tree *tree)
{
	static struct buf out;

	buf_reset(&out, 0);
	for (size_t i = 0; i < tree->notes.count; i++) {
		assert_int_equal(policy_note_print(&out, &tree->sources, &tree->notes.notes[i]), 0);
		assert_int_equal(buf_append_str(&out, "\n"), 0);
	}
	assert_int_equal(buf_append(&out, "", 1), 0);
	return (const char *)buf_bytes(&out);
}

void make_in(const struct world *world, const char *text, struct made *ret_made)
{
	const char *reason = "";

	ret_made->tree = parse_in(world, text);
	if (ret_made->tree->notes.errors)
		fail_msg("%s", notes_of(ret_made->tree));
	assert_int_equal(policy_compile(ret_made->tree, &ret_made->image), 0);
	if (policy_validate(buf_bytes(&ret_made->image), buf_size(&ret_made->image),
			    &ret_made->policy, &reason))
		fail_msg("%s", reason);
}

void make(const char *text, struct made *ret_made)
{
	make_in(&(struct world){ 0 }, text, ret_made);
}

void made_free(struct made *made)
{
	policy_tree_free(made->tree);
	buf_free(&made->image);
}

static void set_object(const char *verb, const char *object, struct policy_access *access,
		       struct buf *name)
{
	struct policy_endpoint_text endpoint;
	struct policy_prefix prefix;
	struct policy_ports ports;
	const char *reason = "";
	int bit = policy_named_find(policy_verbs, MF_POL_VERB_MAX, verb, strlen(verb));

	if (strcmp(verb, "allow") == 0) {
		access->kind = POLICY_ACCESS_ESCAPE;
		access->escape = (enum mf_pol_escape)policy_named_find(
			policy_escapes, MF_POL_ESCAPE_MAX, object, strlen(object));
		return;
	}
	access->verbs = (uint8_t)(bit >= 0 ? MF_POL_BIT(bit) : 0);
	if (strcmp(verb, "read+write") == 0)
		access->verbs = MF_POL_BIT(MF_POL_READ) | MF_POL_BIT(MF_POL_WRITE);
	else if (strcmp(verb, "move") == 0)
		access->verbs = MF_POL_BIT(MF_POL_READ) | MF_POL_BIT(MF_POL_WRITE);
	else
		assert_true(bit >= 0);
	access->whole_tree = strcmp(verb, "move") == 0;
	if (strncmp(object, "unix:@", 6) == 0) {
		access->kind = POLICY_ACCESS_ABSTRACT;
		access->name = object + 6;
		access->name_size = strlen(object + 6);
	} else if (*object == '/' || strncmp(object, "unix:", 5) == 0) {
		const char *path = *object == '/' ? object : object + 5;

		access->kind = POLICY_ACCESS_PATH;
		assert_int_equal(policy_path_normal(path, strlen(path), name), 0);
		access->name = (const char *)buf_bytes(name);
		access->name_size = buf_size(name);
	} else {
		access->kind = POLICY_ACCESS_ADDRESS;
		assert_int_equal(policy_endpoint_split(object, strlen(object), &endpoint, &reason),
				 0);
		assert_int_equal(policy_prefix_parse(&endpoint, &prefix, &reason), 0);
		assert_int_equal(
			policy_ports_parse(endpoint.port, endpoint.port_size, &ports, &reason), 0);
		access->family = prefix.address.family;
		memcpy(access->addr, prefix.address.addr, sizeof(access->addr));
		access->port = ports.first;
	}
}

static const char *decide_in(const struct made *made, const char *tools, const char *verb,
			     const char *object, bool strict)
{
	static char said[64];
	_cleanup_free_ char *copy = strdup(tools);
	_cleanup_buf_ struct buf name = { 0 };
	struct policy_request requests[8] = { 0 };
	struct policy_state state = { .requests = requests,
				      .strict = strict,
				      .mode = MF_POL_ENFORCE };
	struct policy_access access = { 0 };
	struct policy_decision decision;
	const struct mf_pol_rule *rule;
	char *rest = copy, *word;

	while ((word = strsep(&rest, " "))) {
		if (*word)
			requests[state.request_count++].block =
				policy_tool_block(&made->policy, word, strlen(word));
	}
	set_object(verb, object, &access, &name);
	policy_decide(&made->policy, &state, &access, &decision);
	rule = policy_rule(&made->policy, decision.rule);
	if (rule)
		snprintf(said, sizeof(said), "%s %u", policy_verdicts[decision.verdict].word,
			 rule->line);
	else
		snprintf(said, sizeof(said), "%s -", policy_verdicts[decision.verdict].word);
	return said;
}

const char *decided(const struct made *made, const char *tools, const char *verb,
		    const char *object)
{
	return decide_in(made, tools, verb, object, false);
}

const char *decided_strictly(const struct made *made, const char *tools, const char *verb,
			     const char *object)
{
	return decide_in(made, tools, verb, object, true);
}
