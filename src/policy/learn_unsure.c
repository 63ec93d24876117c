/* SPDX-License-Identifier: BSD-2-Clause */
/* What may have been done by one of several calls, each of which was given it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/learn_state.h"

struct unsure {
	struct learn_use *use;
	size_t block;
	bool covered;
};

struct unsures {
	struct unsure *items;
	size_t count;
	struct learn_lines base;
};

static void unsures_free(struct unsures *unsures)
{
	free(unsures->items);
	learn_lines_free(&unsures->base);
}

static int find_unsure(struct policy_learner *learner, struct unsures *unsures)
{
	size_t count = 0;

	for (size_t i = 0; i < learner->block_count; i++) {
		for (size_t k = 0; k < learner->blocks[i].count; k++)
			count += learner->blocks[i].uses[k].event != 0;
	}
	unsures->items = calloc(count + 1, sizeof(*unsures->items));
	if (!unsures->items)
		return -ENOMEM;
	for (size_t i = 0; i < learner->block_count; i++) {
		for (size_t k = 0; k < learner->blocks[i].count; k++) {
			struct learn_use *use = &learner->blocks[i].uses[k];

			if (use->event)
				unsures->items[unsures->count++] =
					(struct unsure){ .use = use, .block = i };
		}
	}
	return 0;
}

/* Whether base, or what is the block's for certain, allows all of it. */
static bool is_covered(const struct policy_learner *learner, const struct unsures *unsures,
		       const struct learn_lines *lines, uint64_t included,
		       const struct learn_use *use)
{
	uint8_t missing = use->verbs &
			  (uint8_t)~learn_base_verbs(learner, &unsures->base, included, use);

	for (int i = 0; i < MF_POL_VERB_MAX; i++) {
		enum mf_pol_verb verb = (enum mf_pol_verb)i;
		bool by_line = use->kind == POLICY_ACCESS_PATH &&
			       learn_lines_cover(lines, verb, use->name, use->size);

		if (missing >> verb & 1 && !by_line && !(use->bound & lines->templates[verb]))
			return false;
	}
	return true;
}

/* Block by block, so that the lines of one are in memory at a time. */
static int cover(struct policy_learner *learner, struct unsures *unsures, uint64_t included)
{
	for (size_t first = 0, next; first < unsures->count; first = next) {
		_cleanup_(learn_lines_free) struct learn_lines lines = { 0 };
		size_t block = unsures->items[first].block;
		int r = learn_lines_make(learner, &learner->blocks[block],
					 block ? &unsures->base : NULL, included, &lines);

		if (r < 0)
			return r;
		for (next = first; next < unsures->count && unsures->items[next].block == block;
		     next++)
			unsures->items[next].covered = is_covered(
				learner, unsures, &lines, included, unsures->items[next].use);
	}
	return 0;
}

static int by_event(const void *first, const void *second)
{
	const struct learn_use *a = ((const struct unsure *)first)->use;
	const struct learn_use *b = ((const struct unsure *)second)->use;
	size_t size = a->size < b->size ? a->size : b->size;

	if (a->event != b->event)
		return a->event < b->event ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (size && memcmp(a->name, b->name, size) != 0)
		return memcmp(a->name, b->name, size);
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return memcmp(a->addr, b->addr, sizeof(a->addr));
}

int learn_unsure_drop(struct policy_learner *learner, uint64_t included)
{
	_cleanup_(unsures_free) struct unsures unsures = { 0 };
	int r = find_unsure(learner, &unsures);

	if (r < 0 || !unsures.count)
		return r;
	learner->sure_only = true;
	r = learn_lines_make(learner, &learner->blocks[0], NULL, included, &unsures.base);
	if (r == 0)
		r = cover(learner, &unsures, included);
	learner->sure_only = false;
	if (r < 0)
		return r;
	qsort(unsures.items, unsures.count, sizeof(*unsures.items), by_event);
	for (size_t first = 0, next; first < unsures.count; first = next) {
		bool covered = false;

		for (next = first; next < unsures.count &&
				   by_event(&unsures.items[first], &unsures.items[next]) == 0;
		     next++)
			covered |= unsures.items[next].covered;
		/* a call that names the object is as likely its doer: another run may tell so */
		for (size_t i = first; covered && i < next; i++) {
			if (!unsures.items[i].use->bound)
				unsures.items[i].use->verbs = 0;
		}
	}
	return 0;
}
