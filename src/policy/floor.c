/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/floor.h"

#include <errno.h>
#include <string.h>

#include "abi/control.h"
#include "base/cleanup.h"
#include "policy/object.h"
#include "policy/words.h"

#define WAYS_ALL ((1U << MF_POL_ESCAPE_MAX) - 1)
#define WRITE MF_POL_BIT(MF_POL_WRITE)
#define LISTEN MF_POL_BIT(MF_POL_LISTEN)

struct trees {
	struct policy_floor_tree *items;
	size_t count;
	bool everything; /* the root is one of them, or there are too many to tell */
};

static void trees_free(struct trees *trees)
{
	for (size_t i = 0; i < trees->count; i++)
		free(trees->items[i].path);
	free(trees->items);
	*trees = (struct trees){ 0 };
}
#define _cleanup_trees_ _cleanup_(trees_free)

static int trees_add(struct trees *trees, const char *path, size_t size, bool socket)
{
	struct policy_floor_tree *items;
	char *copy;

	if (size <= 1)
		trees->everything |= !socket;
	if (trees->count == POLICY_FLOOR_TREES_MAX)
		trees->everything = true;
	if (trees->everything)
		return 0;
	items = reallocarray(trees->items, trees->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	trees->items = items;
	copy = strndup(path, size);
	if (!copy)
		return -ENOMEM;
	trees->items[trees->count++] = (struct policy_floor_tree){ copy, socket };
	return 0;
}

/* --- the paths of a block, out of the tables --- */

struct walk {
	const struct policy *policy;
	const struct mf_pol_path **from; /* of each node: the entry that leads to it */
	uint32_t *block_of; /* of each node: one more than the block that it is the root of */
};

static void walk_free(struct walk *walk)
{
	free(walk->from);
	free(walk->block_of);
}

static int walk_start(const struct policy *policy, struct walk *walk)
{
	size_t nodes = policy->head->node_count + 1;

	walk->policy = policy;
	walk->from = calloc(nodes, sizeof(*walk->from));
	walk->block_of = calloc(nodes, sizeof(*walk->block_of));
	if (!walk->from || !walk->block_of)
		return -ENOMEM;
	for (uint32_t i = 0; i < policy->path_slots; i++)
		if (policy->paths[i].key.node && policy->paths[i].child)
			walk->from[policy->paths[i].child] = &policy->paths[i];
	for (uint32_t i = 0; i < policy->block_count; i++)
		walk->block_of[policy->blocks[i].path_root] = i + 1;
	walk->block_of[0] = 0;
	return 0;
}

/* What holds at the node that an entry goes on from. */
static const struct mf_pol_answer *answer_above(const struct walk *walk,
						const struct mf_pol_path *entry)
{
	const struct policy *policy = walk->policy;
	const struct mf_pol_path *above = walk->from[entry->key.node];
	uint32_t block = walk->block_of[entry->key.node];

	if (above)
		return &policy->answers[above->answer];
	return &policy->answers[block ? policy->blocks[block - 1].path_answer : 0];
}

/*
 * Writes the path of an entry to the end of `room`, and gives its block. NULL: it is no path of the
 * files (an abstract name), or too long to be one.
 */
static const char *path_of(const struct walk *walk, const struct mf_pol_path *entry,
			   char room[MF_PATH_MAX + 1], uint32_t *ret_block)
{
	char *at = room + MF_PATH_MAX + 1;
	uint32_t node = 0;

	*--at = '\0';
	for (; entry; entry = walk->from[node]) {
		size_t size = entry->key.size;

		if (at - room < (ptrdiff_t)size + 1)
			return NULL;
		node = entry->key.node;
		at -= size;
		memcpy(at, entry->key.bytes, size);
		/* an entry that one of a longer name leads to is no component of its own */
		if (!walk->from[node] || walk->from[node]->key.last)
			*--at = '/';
	}
	if (!walk->block_of[node])
		return NULL;
	*ret_block = walk->block_of[node] - 1;
	return at;
}

/* A device that every session may write needs no tree, and can be neither removed nor replaced. */
static bool is_built_in(const char *path)
{
	static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full",
					       "/dev/tty",  "/dev/ptmx", "/dev/pts" };

	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		if (!strcmp(path, devices[i]))
			return true;
	return false;
}

/* Whether the tree is denied as a whole, in every state in which the block allows it. */
static bool is_denied(const struct policy *policy, uint32_t block, const char *path, uint8_t verb)
{
	size_t size = strlen(path);

	return (policy_path_answer(policy, block, path, size, NULL)->deny |
		policy_path_answer(policy, MF_POL_BASE, path, size, NULL)->deny) &
	       verb;
}

static int add_entry(const struct walk *walk, const struct mf_pol_path *entry, const bool *wanted,
		     struct trees *trees)
{
	const struct mf_pol_answer *above = answer_above(walk, entry),
				   *here = &walk->policy->answers[entry->answer];
	uint8_t more = here->allow & ~above->allow & (WRITE | LISTEN);
	bool socket = !(here->allow & WRITE);
	char room[MF_PATH_MAX + 1];
	const char *path;
	uint32_t block;

	if (!entry->key.last || !more || (!(more & WRITE) && !socket))
		return 0;
	path = path_of(walk, entry, room, &block);
	if (!path || !wanted[block] || is_built_in(path) ||
	    is_denied(walk->policy, block, path, socket ? LISTEN : WRITE))
		return 0;
	return trees_add(trees, path, strlen(path), socket);
}

/* Adds what the wanted blocks allow to change. */
static int add_blocks(const struct walk *walk, const bool *wanted, struct trees *trees)
{
	const struct policy *policy = walk->policy;
	int err = 0;

	for (uint32_t i = 0; i < policy->block_count; i++)
		if (wanted[i] && policy->answers[policy->blocks[i].path_answer].allow & WRITE)
			trees->everything = true;
	for (uint32_t i = 0; !err && i < policy->path_slots; i++)
		if (policy->paths[i].key.node)
			err = add_entry(walk, &policy->paths[i], wanted, trees);
	return err;
}

/* --- what arguments may come to --- */

/* Text before the argument is a directory that it cannot leave; or a part of a name in one. */
static int add_template(const struct policy *policy, const struct mf_pol_template *template,
			struct trees *trees)
{
	bool socket = !(template->verbs & WRITE);
	const char *before, *slash;
	size_t size;

	if (template->deny || !(template->verbs & (WRITE | LISTEN)) ||
	    template->kind == MF_POL_TEMPLATE_ADDRESS)
		return 0;
	before = policy_text(policy, template->before, &size);
	slash = memrchr(before, '/', size);
	if (size && before[0] == '/' && slash > before)
		return trees_add(trees, before, (size_t)(slash - before), socket);
	return trees_add(trees, "/", 1, socket);
}

/* --- trees together --- */

/* In the order in which whatever lies in a tree comes right behind it. */
static int compare(const void *a, const void *b)
{
	const struct policy_floor_tree *one = a, *two = b;
	const unsigned char *x = (const void *)one->path, *y = (const void *)two->path;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	if (*x == *y)
		return one->socket - two->socket;
	if (!*x || !*y)
		return *x ? 1 : -1;
	if (*x == '/' || *y == '/')
		return *x == '/' ? -1 : 1;
	return *x < *y ? -1 : 1;
}

static bool lies_in(const struct policy_floor_tree *tree, const struct policy_floor_tree *outer)
{
	return (!outer->socket || tree->socket) &&
	       policy_path_in(tree->path, strlen(tree->path), outer->path, strlen(outer->path));
}

/* Sorts, and takes out what lies in another one. */
static void tidy(struct trees *trees)
{
	size_t kept = 0;

	if (trees->count)
		qsort(trees->items, trees->count, sizeof(*trees->items), compare);
	for (size_t i = 0; i < trees->count; i++) {
		if (kept && lies_in(&trees->items[i], &trees->items[kept - 1]))
			free(trees->items[i].path);
		else
			trees->items[kept++] = trees->items[i];
	}
	trees->count = kept;
}

static int add_common(const struct trees *inner, const struct trees *outer, struct trees *trees)
{
	int err = 0;

	for (size_t i = 0; !err && i < inner->count; i++) {
		for (size_t j = 0; j < outer->count; j++) {
			if (!lies_in(&inner->items[i], &outer->items[j]))
				continue;
			err = trees_add(trees, inner->items[i].path, strlen(inner->items[i].path),
					inner->items[i].socket);
			break;
		}
	}
	return err;
}

/* What lies in both. */
static int intersect(struct trees *trees, struct trees *limit)
{
	_cleanup_trees_ struct trees both = { .everything = trees->everything &&
							    limit->everything };
	struct trees swap;
	int err = 0;

	if (limit->everything)
		return 0;
	if (trees->everything) {
		both = *limit;
		*limit = (struct trees){ 0 };
	} else {
		err = add_common(trees, limit, &both);
		if (!err)
			err = add_common(limit, trees, &both);
	}
	swap = *trees;
	*trees = both;
	both = swap;
	tidy(trees);
	return err;
}

/* --- the states of a policy --- */

static bool is_ceiling(const struct policy *policy, uint32_t block)
{
	return policy->blocks[block].kind == MF_POL_BLOCK_CEILING;
}

static bool enforces(const struct policy *policy, uint32_t block)
{
	return policy->blocks[block].mode == MF_POL_ENFORCE;
}

/* Whether in some state nothing is refused but by a ceiling. */
static bool is_lenient(const struct policy *policy)
{
	for (uint32_t i = 0; i < policy->block_count; i++) {
		if (i == MF_POL_BASE && !(policy->head->flags & MF_POL_HAS_BASE))
			continue;
		if (!is_ceiling(policy, i) && !enforces(policy, i))
			return true;
	}
	return false;
}

static uint32_t allowed_by(const struct policy *policy, uint32_t block)
{
	return policy->blocks[block].escape_allow & ~policy->blocks[block].escape_deny & WAYS_ALL;
}

/* What the ceilings leave. */
static uint32_t below_ceilings(const struct policy *policy, uint32_t ways)
{
	for (uint32_t i = 0; i < policy->block_count; i++)
		if (is_ceiling(policy, i) && enforces(policy, i))
			ways &= allowed_by(policy, i);
	return ways;
}

static uint32_t ways_allowed(const struct policy *policy)
{
	uint32_t ways = is_lenient(policy) ? WAYS_ALL : 0;

	for (uint32_t i = 0; i < policy->block_count; i++)
		if (!is_ceiling(policy, i))
			ways |= allowed_by(policy, i);
	if (enforces(policy, MF_POL_BASE))
		ways &= ~policy->blocks[MF_POL_BASE].escape_deny;
	return below_ceilings(policy, ways);
}

uint32_t policy_floor_denied(const struct policy *policy)
{
	const struct mf_pol_block *base = &policy->blocks[MF_POL_BASE];
	uint32_t allowed = WAYS_ALL;

	for (uint32_t i = 0; i < policy->block_count; i++) {
		const struct mf_pol_block *block = &policy->blocks[i];

		if (!is_ceiling(policy, i) && enforces(policy, i))
			allowed &= (base->escape_allow | block->escape_allow) &
				   ~(base->escape_deny | block->escape_deny);
	}
	return ~below_ceilings(policy, allowed) & WAYS_ALL;
}

/* Whether a name is not one of the files: then it is an abstract one. */
static bool is_abstract(const struct walk *walk, const struct mf_pol_path *entry)
{
	while (walk->from[entry->key.node])
		entry = walk->from[entry->key.node];
	return !walk->block_of[entry->key.node];
}

static bool abstract_asked(const struct walk *walk)
{
	const struct policy *policy = walk->policy;
	const uint8_t connect = MF_POL_BIT(MF_POL_CONNECT);

	if (is_lenient(policy))
		return true;
	for (uint32_t i = 0; i < policy->block_count; i++)
		if (policy->answers[policy->blocks[i].abstract_answer].allow & connect)
			return true;
	for (uint32_t i = 0; i < policy->path_slots; i++) {
		const struct mf_pol_path *entry = &policy->paths[i];

		if (entry->key.node && policy->answers[entry->answer].allow & connect &&
		    is_abstract(walk, entry))
			return true;
	}
	for (uint32_t i = 0; i < policy->template_count; i++)
		if (policy->templates[i].kind == MF_POL_TEMPLATE_UNIX)
			return true;
	return false;
}

/* The trees below each ceiling that enforces. */
static int limit(const struct walk *walk, bool *wanted, struct trees *trees)
{
	const struct policy *policy = walk->policy;
	int err = 0;

	for (uint32_t i = 0; !err && i < policy->block_count; i++) {
		_cleanup_trees_ struct trees ceiling = { 0 };

		if (!is_ceiling(policy, i) || !enforces(policy, i))
			continue;
		memset(wanted, 0, policy->block_count * sizeof(*wanted));
		wanted[i] = true;
		err = add_blocks(walk, wanted, &ceiling);
		tidy(&ceiling);
		if (!err)
			err = intersect(trees, &ceiling);
	}
	return err;
}

static int trees_make(const struct walk *walk, struct trees *trees)
{
	const struct policy *policy = walk->policy;
	_cleanup_free_ bool *wanted = calloc(policy->block_count, sizeof(*wanted));
	int err = 0;

	if (!wanted)
		return -ENOMEM;
	trees->everything = is_lenient(policy);
	for (uint32_t i = 0; i < policy->block_count; i++)
		wanted[i] = !is_ceiling(policy, i);
	if (!trees->everything)
		err = add_blocks(walk, wanted, trees);
	for (uint32_t i = 0; !err && i < policy->template_count; i++)
		err = add_template(policy, &policy->templates[i], trees);
	tidy(trees);
	return err ? err : limit(walk, wanted, trees);
}

int policy_floor_make(const struct policy *policy, struct policy_floor *ret_floor)
{
	_cleanup_(walk_free) struct walk walk = { 0 };
	_cleanup_trees_ struct trees trees = { 0 };
	int err = walk_start(policy, &walk);

	if (!err)
		err = trees_make(&walk, &trees);
	if (err)
		return err;
	*ret_floor = (struct policy_floor){ .changes = !trees.everything,
					    .ways = ways_allowed(policy),
					    .abstract = abstract_asked(&walk) };
	if (!trees.everything) {
		ret_floor->trees = take_ptr(trees.items);
		ret_floor->tree_count = trees.count;
		trees.count = 0;
	}
	return 0;
}

void policy_floor_free(struct policy_floor *floor)
{
	struct trees trees = { .items = floor->trees, .count = floor->tree_count };

	trees_free(&trees);
	*floor = (struct policy_floor){ 0 };
}

size_t policy_floor_words(uint32_t held, const char *ret_words[POLICY_FLOOR_WORDS])
{
	size_t count = 0;

	if (held & MF_FLOOR_CHANGES)
		ret_words[count++] = held & MF_FLOOR_ALL_CHANGES ? "all-changes" : "changes";
	if (held & MF_FLOOR_ABSTRACT)
		ret_words[count++] = "abstract-sockets";
	for (size_t i = 0; i < MF_POL_ESCAPE_MAX; i++)
		if (held >> i & 1)
			ret_words[count++] = policy_escapes[i].word;
	return count;
}
