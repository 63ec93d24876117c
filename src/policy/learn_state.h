/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files of the learner share; not for other rooms. */

#include "policy/learn.h"
#include "policy/source.h"

#define LEARN_NO_BLOCK UINT32_MAX

/* One object, as one or more accesses used it. */
struct learn_use {
	char *name; /* path or abstract name; NULL: an address or escape */
	size_t size;
	uint8_t kind; /* enum policy_access_kind */
	uint8_t verbs; /* MF_POL_BIT; write stands for read too */
	bool directory, passing;
	uint64_t event; /* it may be another call's; 0: it is not */
	uint8_t family; /* 4, 6 */
	uint8_t addr[16];
	uint16_t port;
	uint64_t bound; /* a bit for each argument that named it in its call */
	uint64_t uses, calls, last_call;
};

struct learn_block {
	char *tool; /* NULL: base */
	size_t tool_size;
	struct learn_use *uses;
	size_t count, capacity;
	char *arguments[LEARN_ARGUMENTS_MAX];
	unsigned argument_count;
	uint64_t calls;
	uint64_t escapes[MF_POL_ESCAPE_MAX]; /* uses; none is learned */
};

/* A string in the arguments of the present call. */
struct learn_value {
	unsigned argument; /* index into the block's */
	char *path; /* normalised; NULL: it is no path */
	size_t size;
	bool is_address;
	struct policy_address address;
	uint16_t port;
};

struct policy_learner {
	struct policy_learn_options options;
	struct learn_block *blocks; /* [0]: base */
	size_t block_count, block_capacity;
	uint32_t block; /* of the present call; LEARN_NO_BLOCK: not kept */
	uint64_t call;
	struct learn_value values[LEARN_VALUES_MAX];
	size_t value_count;
	size_t accesses; /* kept, of all blocks */
	uint64_t calls_unkept, accesses_unkept;
	bool sure_only; /* lines are made of what is a block's for certain */
};

/* learn_arguments.c */
void learn_values_free(struct policy_learner *learner);
int learn_values_read(struct policy_learner *learner, struct learn_block *block,
		      const char *arguments, size_t size, const char *cwd);
/* The arguments that name the object: a bit each. */
uint64_t learn_values_bound(const struct policy_learner *learner,
			    const struct policy_access *access);

/* learn_lines.c: the lines of a block. */
struct learn_lines {
	struct fold_path *paths[MF_POL_VERB_MAX]; /* sorted; they borrow from the uses */
	size_t counts[MF_POL_VERB_MAX];
	struct learn_secret {
		const struct learn_use *use;
		uint64_t uses; /* of all for the same object */
	} * secrets; /* left out */
	size_t secret_count;
	uint64_t templates[MF_POL_VERB_MAX]; /* arguments with a line */
	uint64_t template_uses[MF_POL_VERB_MAX][LEARN_ARGUMENTS_MAX];
	uint64_t template_calls[MF_POL_VERB_MAX][LEARN_ARGUMENTS_MAX];
	uint8_t *done; /* of each use: the verbs that need no line of their own */
};

void learn_lines_free(struct learn_lines *lines);
/* `base`: the lines that hold beside, NULL for base itself. `included`: a mask of the includes. */
int learn_lines_make(const struct policy_learner *learner, const struct learn_block *block,
		     const struct learn_lines *base, uint64_t included,
		     struct learn_lines *ret_lines);
bool learn_lines_cover(const struct learn_lines *lines, enum mf_pol_verb verb, const char *path,
		       size_t size);
/* What base allows already; without `base`, what its includes do. */
uint8_t learn_base_verbs(const struct policy_learner *learner, const struct learn_lines *base,
			 uint64_t included, const struct learn_use *use);
/* learn_unsure.c: takes away what may be of several blocks and is allowed in one of them. */
int learn_unsure_drop(struct policy_learner *learner, uint64_t included);
/* The includes that base is given. */
uint64_t learn_includes_choose(const struct policy_learner *learner,
			       const struct learn_block *base);
bool learn_is_secret(const struct policy_learner *learner, const struct learn_use *use);
/* Sorts the uses and makes equal ones one. */
void learn_block_settle(struct policy_learner *learner, struct learn_block *block);
