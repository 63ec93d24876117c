/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Compiled policies from a process that is not trusted. What the validator lets pass must be safe
 * to look anything up in, and to name lines from.
 *
 * An input whose first byte is even is an image; an odd one is changes to a good image: triples of
 * where, two bytes, and what.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"
#include "policy/decide.h"

static const char text[] = "version 1\n"
			   "default audit\n"
			   "ceiling\n"
			   "  write /\n"
			   "  connect *:*\n"
			   "  listen *:*\n"
			   "  allow ptrace\n"
			   "base\n"
			   "  read /usr/lib\n"
			   "  deny mount\n"
			   "tool fs/*\n"
			   "  read ${arg.path}\n"
			   "  read /srv/docs\n"
			   "  deny /srv/docs/secret\n"
			   "  exec /usr/bin/a-name-that-is-longer-than-one-chunk-of-bytes\n"
			   "  connect 10.0.0.0/8:1-1000\n"
			   "  connect [2001:db8::1]:443\n"
			   "  deny connect 10.1.0.0/16:*\n"
			   "  connect localhost:80\n"
			   "  connect unix:@name\n"
			   "tool *\n"
			   "  mode audit\n"
			   "  write /tmp\n";

static struct buf good;

static void prepare(void)
{
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;
	struct policy_sources sources = { 0 };

	if (buf_size(&good))
		return;
	if (policy_sources_add(&sources, "p", text, sizeof(text) - 1) ||
	    policy_parse(&sources, NULL, &tree) || policy_compile(tree, &good))
		abort();
}

static void ask(const struct policy *policy, struct policy_access *access)
{
	struct policy_request requests[3] = { { policy_tool_block(policy, "fs/a/b", 6), NULL },
					      { policy->block_count - 1, NULL },
					      { UINT32_MAX, NULL } };
	struct policy_state state = { requests, 3, false, MF_POL_ENFORCE, policy };
	bool grants = policy->head->flags & MF_POL_GRANTS;

	for (int strict = 0; strict < 2; strict++) {
		struct policy_decision decision;
		_cleanup_buf_ struct buf out = { 0 };

		if (grants) /* they are asked for beside a policy only */
			return;
		state.strict = strict;
		policy_decide(policy, &state, access, &decision);
		if (policy_decision_print(&out, policy, &state, &decision))
			abort();
	}
}

static void look_up(const struct policy *policy)
{
	static const char *const paths[] = {
		"/",
		"/usr/lib/x",
		"/srv/docs/secret",
		"/tmp",
		"/usr/bin/a-name-that-is-longer-than-one-chunk-of-bytes/and/more",
	};
	struct policy_access access = { .verbs = 0x1f, .whole_tree = true };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		access.kind = POLICY_ACCESS_PATH;
		access.name = paths[i];
		access.name_size = strlen(paths[i]);
		ask(policy, &access);
		for (uint32_t block = 0; block < policy->block_count; block++)
			(void)policy_path_answer(policy, block, paths[i], strlen(paths[i]), NULL);
	}
	access.kind = POLICY_ACCESS_ABSTRACT;
	access.name = "name";
	access.name_size = 4;
	ask(policy, &access);
	access.kind = POLICY_ACCESS_ADDRESS;
	for (int i = 0; i < 8; i++) {
		access.family = i % 2 ? 4 : 6;
		access.addr[0] = i & 2 ? 10 : 0x20;
		access.addr[1] = 1;
		access.port = i & 4 ? 443 : 80;
		ask(policy, &access);
	}
	access.kind = POLICY_ACCESS_ESCAPE;
	for (int i = 0; i < MF_POL_ESCAPE_MAX; i++) {
		access.escape = (enum mf_pol_escape)i;
		ask(policy, &access);
	}
}

static volatile unsigned sink;

/* Every text that the image has, byte by byte. */
static void read_texts(const struct policy *policy)
{
	unsigned sum = 0;
	size_t size;

	for (uint32_t i = 0; i < policy->rule_count; i++) {
		const struct mf_pol_rule *rule = policy_rule(policy, i);
		const char *bytes = rule ? policy_text(policy, rule->text, &size) : "";

		for (size_t k = 0; rule && k < size; k++)
			sum += (unsigned char)bytes[k];
	}
	for (uint32_t i = 0; i < policy->template_count; i++) {
		const char *bytes = policy_text(policy, policy->templates[i].argument, &size);

		sum += size ? (unsigned char)bytes[size - 1] : 0;
	}
	for (uint32_t i = 0; i < policy->host_count; i++) {
		const struct mf_pol_host *host = &policy->hosts[i];

		for (uint32_t k = 0; k < host->count; k++)
			sum += policy->host_addrs[host->first + k].addr[0];
	}
	sink = sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	const char *reason = NULL;
	struct policy policy;
	size_t length;

	if (!size)
		return 0;
	prepare();
	length = data[0] & 1 ? buf_size(&good) : size - 1;
	bytes = malloc(length +
		       1); /* just so large that a byte behind it is told by the sanitizer */
	if (!bytes)
		abort();
	if (data[0] & 1) {
		memcpy(bytes, buf_bytes(&good), length);
		for (size_t i = 1; i + 3 <= size; i += 3)
			bytes[(data[i] << 8 | data[i + 1]) % length] = data[i + 2];
	} else {
		memcpy(bytes, data + 1, length);
	}
	if (policy_validate(bytes, length, &policy, &reason)) {
		if (!reason)
			abort();
		return 0;
	}
	look_up(&policy);
	read_texts(&policy);
	return 0;
}
