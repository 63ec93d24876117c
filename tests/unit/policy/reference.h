/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The decision once more, as slowly and plainly as it can be: every line of every block in play is
 * looked at. Made from docs/policy.md and policy/decide.h, without the tables; what it shares with
 * the real one is the parser's tree. test_reference.c compares the two.
 */

#include "machine.h"
#include "policy/decide.h"
#include "policy/tree.h"

struct ref_where {
	uint32_t file, line; /* file: index into the sources, their count for what is built in */
};

/* One thing that a line says: a line with several names or addresses says several. */
struct ref_entry {
	struct ref_where where;
	uint8_t verbs;
	bool deny;
	enum policy_access_kind kind;
	char *name; /* PATH, ABSTRACT; ABSTRACT and NULL: every name */
	size_t name_size;
	uint8_t family; /* ADDRESS; 0: both */
	uint8_t addr[16];
	unsigned length;
	unsigned port_first, port_last;
	enum mf_pol_escape escape;
};

struct ref_entries {
	struct ref_entry *entries;
	size_t count;
};

struct ref_block {
	const struct policy_block *block; /* NULL: the default, or a base that is not in the text */
	enum mf_pol_mode mode;
	struct ref_entries entries;
};

struct ref_policy {
	const struct policy_tree *tree;
	struct ref_block base, otherwise; /* otherwise: `default` */
	struct ref_block *ceilings, *tools;
	size_t ceiling_count, tool_count;
};

/* One argument of a call: the reference does not read JSON. */
struct ref_argument {
	const char *name;
	const char *values[4]; /* NULL: one that cannot be used; "": nothing */
	size_t count;
	bool unreadable; /* there twice, or of the wrong type */
};

struct ref_request {
	const char *tool;
	size_t tool_size;
	const struct ref_argument *arguments;
	size_t argument_count;
};

struct ref_state {
	const struct ref_request *requests;
	size_t request_count;
	bool strict;
	enum mf_pol_mode mode;
	const struct ref_policy *administrator;
	const struct machine *machine;
	const char *cwd;
};

struct ref_decision {
	enum mf_verdict verdict;
	enum policy_reason reason;
	struct ref_where where; /* line 0: none */
	const struct ref_block *block;
	uint32_t request;
	uint8_t verb;
	bool by_administrator, by_grant;
};

void ref_policy_make(const struct policy_tree *tree, struct ref_policy *ret_policy);
void ref_policy_free(struct ref_policy *policy);
void ref_decide(const struct ref_policy *policy, const struct ref_state *state,
		const struct policy_access *access, struct ref_decision *ret_decision);

/* reference_block.c: what the lines of a block, and its templates with a call's arguments, say. */
void ref_entries_of(const struct policy_tree *tree, const struct policy_block *block,
		    struct ref_entries *ret_entries);
void ref_entries_built_in(uint32_t file, struct ref_entries *entries);
void ref_entries_of_call(const struct policy_tree *tree, const struct policy_block *block,
			 const struct ref_request *request, const struct ref_state *state,
			 struct ref_entries *ret_entries);
void ref_entries_free(struct ref_entries *entries);

/* What an argument is as an address: "192.0.2.1 2001:db8::1 443", NULL: nothing. */
struct ref_endpoint {
	const char *argument, *alone, *with_443; /* as ${arg.x}, as ${arg.x}:443 */
};
extern const struct ref_endpoint ref_endpoints[];
