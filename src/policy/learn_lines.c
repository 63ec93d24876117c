/* SPDX-License-Identifier: BSD-2-Clause */
/* From the uses of a block to its lines. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/learn_state.h"

void learn_lines_free(struct learn_lines *lines)
{
	for (size_t verb = 0; verb < MF_POL_VERB_MAX; verb++)
		free(lines->paths[verb]);
	free(lines->secrets);
	free(lines->done);
	*lines = (struct learn_lines){ 0 };
}

/* Verbs of the use that the base of `policy` allows, or denies. */
static const struct mf_pol_answer *answer_of(const struct policy *policy,
					     const struct learn_use *use)
{
	switch (use->kind) {
	case POLICY_ACCESS_PATH:
		return policy_path_answer(policy, MF_POL_BASE, use->name, use->size, NULL);
	case POLICY_ACCESS_ABSTRACT:
		return policy_abstract_answer(policy, MF_POL_BASE, use->name, use->size);
	default:
		return policy_address_answer(policy, MF_POL_BASE, use->family, use->addr,
					     use->port);
	}
}

static uint8_t denied_by(const struct policy *policy, const struct learn_use *use)
{
	return answer_of(policy, use)->deny;
}

static uint8_t allowed_by(const struct policy *policy, const struct learn_use *use)
{
	/* of a directory that was opened, the answer is about its tree as well */
	return answer_of(policy, use)->allow;
}

bool learn_is_secret(const struct policy_learner *learner, const struct learn_use *use)
{
	uint8_t verbs = use->verbs;

	if (verbs & MF_POL_BIT(MF_POL_WRITE))
		verbs |= MF_POL_BIT(MF_POL_READ);
	return learner->options.secrets && (denied_by(learner->options.secrets, use) & verbs);
}

static uint8_t included_verbs(const struct policy_learner *learner, uint64_t included,
			      const struct learn_use *use)
{
	/* what needs no line is in every base */
	uint8_t allow = learner->options.secrets ? allowed_by(learner->options.secrets, use) : 0;

	for (size_t i = 0; i < learner->options.include_count; i++) {
		if (included >> i & 1)
			allow |= allowed_by(learner->options.includes[i].policy, use);
	}
	return allow;
}

/*
 * The include that covers most of what is not covered yet, again and again, while it covers more
 * than what two programs have in common by chance. Of two that cover as much, the later one.
 */
uint64_t learn_includes_choose(const struct policy_learner *learner, const struct learn_block *base)
{
	const size_t least = 3;
	uint64_t chosen = 0;

	for (;;) {
		size_t best = 0, best_count = 0;

		for (size_t i = 0; i < learner->options.include_count && i < 64; i++) {
			size_t covered = 0;

			for (size_t k = 0; !(chosen >> i & 1) && k < base->count; k++) {
				const struct learn_use *use = &base->uses[k];
				uint8_t missing = use->verbs &
						  (uint8_t)~included_verbs(learner, chosen, use);

				covered += missing &&
					   (allowed_by(learner->options.includes[i].policy, use) &
					    missing) == missing;
			}
			if (covered && covered >= best_count) { /* of equals the plainest */
				best = i;
				best_count = covered;
			}
		}
		if (best_count < least)
			return chosen;
		chosen |= 1ULL << best;
	}
}

bool learn_lines_cover(const struct learn_lines *lines, enum mf_pol_verb verb, const char *path,
		       size_t size)
{
	return policy_fold_covers(lines->paths[verb], lines->counts[verb], path, size) ||
	       (verb == MF_POL_READ && learn_lines_cover(lines, MF_POL_WRITE, path, size));
}

uint8_t learn_base_verbs(const struct policy_learner *learner, const struct learn_lines *base,
			 uint64_t included, const struct learn_use *use)
{
	uint8_t verbs = included_verbs(learner, included, use);

	for (int verb = 0; base && use->kind == POLICY_ACCESS_PATH && verb < MF_POL_VERB_MAX;
	     verb++) {
		if (learn_lines_cover(base, (enum mf_pol_verb)verb, use->name, use->size))
			verbs |= (uint8_t)MF_POL_BIT(verb);
	}
	return verbs;
}

/* The argument that names most of what the verb still needs a line for, or -1. */
static int best_argument(const struct learn_block *block, const struct learn_lines *lines,
			 enum mf_pol_verb verb)
{
	uint64_t counts[LEARN_ARGUMENTS_MAX] = { 0 };
	int best = -1;

	for (size_t i = 0; i < block->count; i++) {
		const struct learn_use *use = &block->uses[i];

		if (!(use->verbs & ~lines->done[i] & MF_POL_BIT(verb)))
			continue;
		for (unsigned k = 0; k < block->argument_count; k++)
			counts[k] += use->bound >> k & 1 ? use->uses : 0;
	}
	for (unsigned k = 0; k < block->argument_count; k++) {
		if (counts[k] && (best < 0 || counts[k] > counts[best] ||
				  (counts[k] == counts[best] &&
				   strcmp(block->arguments[k], block->arguments[best]) < 0)))
			best = (int)k;
	}
	return best;
}

static void take_templates(const struct learn_block *block, struct learn_lines *lines,
			   enum mf_pol_verb verb)
{
	int argument;

	while ((argument = best_argument(block, lines, verb)) >= 0) {
		lines->templates[verb] |= 1ULL << argument;
		for (size_t i = 0; i < block->count; i++) {
			const struct learn_use *use = &block->uses[i];
			uint8_t bit = (uint8_t)MF_POL_BIT(verb);

			if (!(use->bound >> argument & 1))
				continue;
			if (use->verbs & ~lines->done[i] & bit) {
				lines->done[i] |= bit;
				lines->template_uses[verb][argument] += use->uses;
				lines->template_calls[verb][argument] += use->calls;
			}
			if (verb == MF_POL_WRITE) /* implies read */
				lines->done[i] |= MF_POL_BIT(MF_POL_READ);
		}
	}
}

static struct fold_path path_of(const struct learn_use *use)
{
	return (struct fold_path){ .path = use->name,
				   .size = use->size,
				   .uses = use->uses,
				   .calls = use->calls,
				   .paths = 1,
				   .tree = use->directory,
				   .sure = !use->event,
				   .passing = use->passing };
}

static int take_paths(const struct policy_learner *learner, const struct learn_block *block,
		      struct learn_lines *lines, enum mf_pol_verb verb)
{
	struct fold_path *paths = calloc(block->count + 1, sizeof(*paths));
	size_t count = 0;

	if (!paths)
		return -ENOMEM;
	for (size_t i = 0; i < block->count; i++) {
		const struct learn_use *use = &block->uses[i];

		if (use->kind != POLICY_ACCESS_PATH ||
		    !(use->verbs & ~lines->done[i] & MF_POL_BIT(verb)))
			continue;
		if (verb == MF_POL_READ &&
		    learn_lines_cover(lines, MF_POL_WRITE, use->name, use->size))
			continue;
		paths[count++] = path_of(use);
	}
	policy_fold(&learner->options.place, verb, paths, &count);
	lines->paths[verb] = paths;
	lines->counts[verb] = count;
	return 0;
}

static bool same_object(const struct learn_use *a, const struct learn_use *b)
{
	return a->kind == b->kind && a->family == b->family && a->port == b->port &&
	       memcmp(a->addr, b->addr, sizeof(a->addr)) == 0 && a->size == b->size &&
	       (!a->size || memcmp(a->name, b->name, a->size) == 0);
}

static int leave_out_secrets(const struct policy_learner *learner, const struct learn_block *block,
			     struct learn_lines *lines)
{
	lines->secrets = calloc(block->count + 1, sizeof(*lines->secrets));
	if (!lines->secrets)
		return -ENOMEM;
	for (size_t i = 0; i < block->count; i++) {
		struct learn_secret *last =
			lines->secret_count ? &lines->secrets[lines->secret_count - 1] : NULL;
		const struct learn_use *use = &block->uses[i];

		if (!learn_is_secret(learner, use))
			continue;
		lines->done[i] = UINT8_MAX;
		if (last && same_object(last->use, use))
			last->uses += use->uses;
		else
			lines->secrets[lines->secret_count++] =
				(struct learn_secret){ use, use->uses };
	}
	return 0;
}

int learn_lines_make(const struct policy_learner *learner, const struct learn_block *block,
		     const struct learn_lines *base, uint64_t included,
		     struct learn_lines *ret_lines)
{
	/* write before read, which it implies */
	static const enum mf_pol_verb order[] = { MF_POL_WRITE, MF_POL_READ, MF_POL_EXEC,
						  MF_POL_CONNECT, MF_POL_LISTEN };
	_cleanup_(learn_lines_free) struct learn_lines lines = { 0 };
	int r;

	lines.done = calloc(block->count + 1, 1);
	if (!lines.done)
		return -ENOMEM;
	r = leave_out_secrets(learner, block, &lines);
	for (size_t i = 0; i < block->count; i++)
		lines.done[i] |=
			learner->sure_only && block->uses[i].event
				? UINT8_MAX
				: learn_base_verbs(learner, base, included, &block->uses[i]);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(order); i++) {
		take_templates(block, &lines, order[i]);
		r = take_paths(learner, block, &lines, order[i]);
	}
	if (r == 0) {
		*ret_lines = lines;
		lines = (struct learn_lines){ 0 };
	}
	return r;
}
