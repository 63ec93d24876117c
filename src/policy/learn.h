/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A policy from what was seen: calls and what they touched in, text out. One block per tool, `base`
 * for what belongs to no call. The rules are told in docs/policy.md; how paths are folded, in
 * learn_fold.h.
 *
 * Every access given is allowed by the text in the state in which it was seen, but for what is left
 * out: secrets, escapes, trees that are too wide. What is left out depends on the access alone, so
 * learning from more calls never takes away what an earlier call used. Names, paths and arguments
 * are attacker text: bounded, and quoted as the language quotes.
 */

#include "base/buf.h"
#include "policy/decide.h"
#include "policy/learn_fold.h"

#define LEARN_TOOLS_MAX 4000 /* blocks of tools; calls of others are counted and told */
#define LEARN_ACCESSES_MAX (1U << 20) /* different ones, of all blocks */
#define LEARN_ARGUMENTS_MAX 60 /* names of arguments that are told apart, of one tool */
#define LEARN_VALUES_MAX 256 /* strings in the arguments of one call that are looked at */

struct policy_learner;

/* A named block that may be included in base: what it covers needs no line. */
struct policy_learn_include {
	const char *name; /* "runtime/node" */
	const struct policy *policy; /* a policy whose base includes that block alone */
};

struct policy_learn_options {
	struct fold_place place;
	/* the most particular ones first; borrowed, as all of this */
	const struct policy_learn_include *includes;
	size_t include_count;
	/* a policy whose base has the denies of `secrets`: what it denies is left out, and `include
	 * secrets` stands in base. NULL: none */
	const struct policy *secrets;
};

struct policy_learn_access {
	struct policy_access access;
	bool directory; /* it was opened as a directory */
	bool passing; /* a name that was made and went away within the call */
	/* Of what may be one of several calls': the same number in each, which is given it. It needs no
	 * line where one of them has a line for it anyway. 0: it is this call's. */
	uint64_t event;
	uint64_t uses; /* equal ones in a row; 0 counts as 1 */
};

/* The options are copied, what they point to is borrowed. */
int policy_learner_new(const struct policy_learn_options *options,
		       struct policy_learner **ret_learner);
void policy_learner_free(struct policy_learner *learner);
static inline void cleanup_policy_learner(struct policy_learner **slot)
{
	policy_learner_free(*slot);
}
#define _cleanup_policy_learner_ _cleanup_(cleanup_policy_learner)

/*
 * A call begins: the accesses that follow are its. `tool` NULL: they are of no call, or of a request
 * that has no tool, and belong to base. `arguments`: JSON text, NULL when not known. `cwd`: what
 * relative paths in them are relative to, NULL when not known.
 * 1: no more tools fit, the accesses that follow are counted only. -ENOMEM.
 */
int policy_learn_call(struct policy_learner *learner, const void *tool, size_t tool_size,
		      const char *arguments, size_t arguments_size, const char *cwd);

/* `to_base`: it was seen when the call had ended, so only base can allow it. 0, -ENOMEM, -E2BIG. */
int policy_learn_access(struct policy_learner *learner, const struct policy_learn_access *access,
			bool to_base);

/* How often all calls together used a way out: what the text leaves out, to be told. */
uint64_t policy_learn_escapes(const struct policy_learner *learner, enum mf_pol_escape escape);

/* Appends the policy. -ENOMEM. */
int policy_learn_print(struct policy_learner *learner, struct buf *out);
