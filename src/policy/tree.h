/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Policy text as a checked tree. policy_parse() reads files and what they include, tells every
 * error and warning, and gives a tree that compile, fmt, diff and show walk. A tree is made even
 * when there are errors (fmt and editors want it), but only one without errors may be compiled.
 */

#include "abi/policy.h"
#include "policy/object.h"
#include "policy/source.h"
#include "policy/words.h"

enum policy_object_kind {
	POLICY_OBJECT_NONE = 0, /* the line has an error, or an escape */
	POLICY_OBJECT_PATH = 1, /* a file or a whole directory */
	POLICY_OBJECT_ADDRESS = 2, /* prefix and ports */
	POLICY_OBJECT_HOST = 3, /* host name and ports */
	POLICY_OBJECT_UNIX = 4, /* the path of a unix socket, or a directory of them */
	POLICY_OBJECT_ABSTRACT = 5, /* an abstract unix name; size 0 with `any`: all of them */
	POLICY_OBJECT_TEMPLATE = 6, /* has ${arg.NAME} in it: known when the call is */
	POLICY_OBJECT_ESCAPE = 7,
};

struct policy_bytes {
	char *bytes; /* NUL behind the end; may hold NULs in abstract names */
	size_t size;
};

/* One rule line: read, write, exec, connect, listen, allow, deny. */
struct policy_line {
	struct policy_where where; /* of its first word; size: up to the end of its last one */
	struct policy_where object_where;
	enum policy_keyword keyword; /* the first word; POLICY_KEY_DENY of a denial */
	uint8_t verbs; /* MF_POL_BIT of what it names; `deny OBJECT`: all that such an object has */
	bool deny;
	bool all_verbs; /* `deny OBJECT`, without a verb */
	bool interpreter; /* `exec PATH interpreter` */
	enum policy_object_kind kind;
	struct policy_bytes
		object; /* as written, quotes and escapes undone, variables not expanded */

	/* PATH, UNIX: normalised, variables expanded. HOST: lower case. ABSTRACT: without @ */
	struct policy_bytes name;
	/* PATH, UNIX: what the kernel calls the object and the name; equal to `name` without links */
	struct policy_bytes resolved; /* every link followed */
	struct policy_bytes named; /* every link but the last component's */
	struct policy_bytes *chain; /* further names between the two */
	size_t chain_count;
	bool any; /* ABSTRACT: every name */
	struct policy_prefix prefix; /* ADDRESS */
	struct policy_ports ports; /* ADDRESS, HOST */
	struct policy_address *addresses; /* HOST: what it resolved to, sorted */
	size_t address_count;
	enum mf_pol_escape escape; /* ESCAPE */
	/* TEMPLATE */
	enum mf_pol_template_kind template_kind;
	struct policy_bytes before, argument, after;
};

struct policy_include {
	struct policy_where where;
	struct policy_bytes name;
	uint32_t block; /* index of the named block, UINT32_MAX: not found */
};

enum policy_block_kind {
	POLICY_BLOCK_BASE = 1,
	POLICY_BLOCK_TOOL = 2,
	POLICY_BLOCK_NAMED = 3,
	POLICY_BLOCK_CEILING = 4, /* one for each file that has any */
};

/* Blocks of one name are one block: lines of all of them, in the order in which they stand. */
struct policy_block {
	enum policy_block_kind kind;
	struct policy_where where; /* of the first head line */
	struct policy_bytes name; /* tool: exact name, or what stands before the *; named block */
	bool prefix; /* tool: NAME* , with NAME "" or ending in a slash */
	enum mf_pol_mode mode; /* MF_POL_ENFORCE unless said otherwise */
	struct policy_where mode_where; /* line 0: not said */
	struct policy_line *lines;
	size_t line_count;
	struct policy_include *includes;
	size_t include_count;
};

struct policy_tree {
	struct policy_sources sources;
	struct policy_notes notes; /* sorted */
	enum mf_pol_mode default_mode; /* MF_POL_ENFORCE (`deny`) unless said otherwise */
	struct policy_where default_where; /* line 0: not said */
	struct policy_block *blocks; /* in the order in which they first stand */
	size_t block_count;
	char *workspace,
		*home; /* the world's, copied: they are part of what the text means. NULL: unset */
};

/*
 * Parses files given by name and text; `sources` is taken over and emptied. Includes are fetched
 * through world->include as they are met. 0 with *ret_tree, errors in the text or not: see
 * notes.errors; -ENOMEM. The caller frees the tree with policy_tree_free().
 */
int policy_parse(struct policy_sources *sources, const struct policy_world *world,
		 struct policy_tree **ret_tree);
void policy_tree_free(struct policy_tree *tree);
static inline void cleanup_policy_tree(struct policy_tree **slot)
{
	policy_tree_free(*slot);
}
#define _cleanup_policy_tree_ _cleanup_(cleanup_policy_tree)

/*
 * The lines of a block, then those of what it includes, each named block once, nearer ones first.
 * Stops at the first non-zero return of `each`, which it gives back. -ENOMEM.
 */
int policy_block_each(const struct policy_tree *tree, const struct policy_block *block,
		      int (*each)(void *data, const struct policy_line *line), void *data);

/* The block that is used for a tool: exact name, longest prefix, `tool *`; NULL: none. */
const struct policy_block *policy_block_of_tool(const struct policy_tree *tree, const void *name,
						size_t size);
