/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Policy text from anybody: parsed, told about, compiled, validated, asked. What has no errors must
 * compile (or say that it is too much), the image must be valid, and the same text must give the
 * same bytes.
 *
 * An input is a file; what follows a line "%%" is what any include finds.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"
#include "policy/decide.h"
#include "policy/format.h"

struct input {
	const char *include;
	size_t include_size;
};

static int include(void *data, const char *name, struct buf *ret_name, struct buf *ret_text)
{
	const struct input *input = data;

	if (!input->include)
		return -ENOENT;
	if (buf_append_str(ret_name, name))
		return -ENOMEM;
	return buf_append(ret_text, input->include, input->include_size);
}

/* A world with links: /l leads to what follows it, /loop to itself, /up to its parent. */
static int look(void *data, const char *path, struct buf *ret_target)
{
	static const struct {
		const char *path, *target;
	} links[] = {
		{ "/l", "/target/of/link" }, { "/loop", "loop" },   { "/up", ".." },
		{ "/a/b", "../c/./d//e" },   { "/bin", "usr/bin" },
	};

	(void)data;
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		if (strcmp(links[i].path, path) == 0)
			return buf_append_str(ret_target, links[i].target) ? -ENOMEM
									   : POLICY_PATH_LINK;
	}
	return strlen(path) % 3 == 0 ? POLICY_PATH_MISSING : POLICY_PATH_DIRECTORY;
}

static int links(void *data, const char *path,
		 void (*each)(void *each_data, const char *name, const char *target),
		 void *each_data)
{
	(void)data;
	if (strlen(path) % 2)
		each(each_data, "out", "/elsewhere");
	return 0;
}

static int resolve(void *data, const char *name, struct policy_address *ret_addresses, size_t max)
{
	size_t count = strlen(name) % 5;

	(void)data;
	for (size_t i = 0; i < count && i < max; i++) {
		ret_addresses[i] = (struct policy_address){ .family = i % 2 ? 4 : 6 };
		ret_addresses[i].addr[0] = (uint8_t)name[0];
	}
	return (int)count;
}

static void print_notes(const struct policy_tree *tree)
{
	_cleanup_buf_ struct buf out = { 0 };

	for (size_t i = 0; i < tree->notes.count; i++) {
		if (policy_note_print(&out, &tree->sources, &tree->notes.notes[i]))
			abort();
	}
	for (size_t i = 0; i < buf_size(&out); i++) {
		if (buf_bytes(&out)[i] < 0x20 || buf_bytes(&out)[i] == 0x7f)
			abort(); /* not safe to print */
	}
}

static struct policy_tree *parse(const char *text, size_t size)
{
	const char *mark = memmem(text, size, "\n%%\n", 4);
	struct input input = { 0 };
	const struct policy_world world = {
		.data = &input,
		.workspace = "/work",
		.home = "/home/u",
		.include = include,
		.look = look,
		.links = links,
		.resolve = resolve,
	};
	struct policy_sources sources = { 0 };
	struct policy_tree *tree;

	if (mark) {
		input.include = mark + 4;
		input.include_size = size - (size_t)(mark + 4 - text);
		size = (size_t)(mark - text);
	}
	if (policy_sources_add(&sources, "p", text, size) || policy_parse(&sources, &world, &tree))
		abort();
	return tree;
}

static void ask(const struct policy *policy)
{
	static const char path[] = "/srv/docs/secret/x";
	struct policy_request requests[2] = { { policy_tool_block(policy, "fs/read", 7), NULL },
					      { policy->block_count - 1, NULL } };
	struct policy_state state = { requests, 2, false, MF_POL_ENFORCE, policy };
	struct policy_access access = { .kind = POLICY_ACCESS_PATH,
					.verbs = MF_POL_BIT(MF_POL_READ),
					.name = path,
					.name_size = sizeof(path) - 1 };
	struct policy_decision decision;
	_cleanup_buf_ struct buf out = { 0 };

	policy_decide(policy, &state, &access, &decision);
	if (policy_decision_print(&out, policy, &state, &decision))
		abort();
}

static int count_fault(void *data, const struct policy_format_fault *fault)
{
	size_t *count = data;

	if (!fault->line || !fault->column)
		abort();
	(*count)++;
	return 0;
}

/* Laid out twice is laid out once, and what has no fault can be shown. */
static void format(const char *text, size_t size)
{
	_cleanup_buf_ struct buf once = { 0 }, twice = { 0 };
	size_t faults = 0;

	if (policy_format_check(text, size, count_fault, &faults) ||
	    policy_format(text, size, &once) ||
	    policy_format((const char *)buf_bytes(&once), buf_size(&once), &twice))
		abort();
	if (buf_size(&once) != buf_size(&twice) ||
	    (buf_size(&once) && memcmp(buf_bytes(&once), buf_bytes(&twice), buf_size(&once)) != 0))
		abort();
	for (size_t i = 0; !faults && i < buf_size(&once); i++) {
		uint8_t byte = buf_bytes(&once)[i];

		if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_policy_tree_ struct policy_tree *tree = parse((const char *)data, size);
	_cleanup_policy_tree_ struct policy_tree *again = NULL;
	_cleanup_buf_ struct buf image = { 0 }, same = { 0 };
	struct policy policy;
	int r;

	format((const char *)data, size);
	print_notes(tree);
	r = policy_compile(tree, &image);
	if (tree->notes.errors) {
		if (r != -EINVAL && r != -E2BIG)
			abort();
		return 0;
	}
	if (r || policy_validate(buf_bytes(&image), buf_size(&image), &policy, NULL))
		abort();
	ask(&policy);
	again = parse((const char *)data, size);
	if (policy_compile(again, &same) || buf_size(&same) != buf_size(&image) ||
	    memcmp(buf_bytes(&same), buf_bytes(&image), buf_size(&same)) != 0)
		abort();
	return 0;
}
