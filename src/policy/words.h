/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The words of the policy language: one table each. The parser, `policy fmt`, `explain`, the manual
 * page and the syntax files for editors are made from these rows.
 */

#include <stddef.h>
#include <stdint.h>

#include "abi/policy.h"

enum policy_keyword {
	/* heads: they begin a block, or stand before all blocks */
	POLICY_KEY_VERSION = 1,
	POLICY_KEY_DEFAULT = 2,
	POLICY_KEY_BASE = 3,
	POLICY_KEY_TOOL = 4,
	POLICY_KEY_BLOCK = 5,
	POLICY_KEY_CEILING = 6,
	/* lines of a block */
	POLICY_KEY_MODE = 7,
	POLICY_KEY_INCLUDE = 8,
	POLICY_KEY_READ = 9,
	POLICY_KEY_WRITE = 10,
	POLICY_KEY_EXEC = 11,
	POLICY_KEY_CONNECT = 12,
	POLICY_KEY_LISTEN = 13,
	POLICY_KEY_ALLOW = 14,
	POLICY_KEY_DENY = 15,
	POLICY_KEY_MAX = 16,
};

/* what a keyword takes */
enum policy_operand {
	POLICY_TAKES_NONE = 0,
	POLICY_TAKES_NUMBER = 1,
	POLICY_TAKES_MODE = 2, /* enforce, audit; of `default`: observe, audit, deny */
	POLICY_TAKES_TOOL = 3,
	POLICY_TAKES_NAME = 4, /* of a block */
	POLICY_TAKES_PATH = 5,
	POLICY_TAKES_ADDRESS = 6,
	POLICY_TAKES_ESCAPE = 7,
	POLICY_TAKES_DENIED = 8, /* [VERB] OBJECT, or an escape */
};

struct policy_word {
	const char *word;
	const char *operand; /* how it is written in texts: "PATH"; NULL: none */
	const char *help;
	uint8_t takes; /* enum policy_operand */
	uint8_t head; /* 1: begins a block or stands before all blocks */
	int8_t verb; /* enum mf_pol_verb, -1: none */
};

/* index: enum policy_keyword; [0] is not used */
extern const struct policy_word policy_keywords[POLICY_KEY_MAX];

struct policy_named {
	const char *word;
	const char *help;
};

extern const struct policy_named policy_verbs[MF_POL_VERB_MAX]; /* index: enum mf_pol_verb */
extern const struct policy_named policy_escapes[MF_POL_ESCAPE_MAX]; /* enum mf_pol_escape */
extern const struct policy_named policy_modes[3]; /* enum mf_pol_mode: observe, audit, enforce */
extern const struct policy_named policy_verdicts[4]; /* enum mf_verdict: deny, would-deny, … */
extern const struct policy_named policy_variables[]; /* workspace, home, arg.NAME; ended by NULL */

/* The word that says that an exec line means to allow a shell or interpreter. */
#define POLICY_WORD_INTERPRETER "interpreter"

/* The index of `word` (not NUL terminated), or -1. */
int policy_named_find(const struct policy_named *table, size_t count, const char *word,
		      size_t size);
int policy_keyword_find(const char *word, size_t size);

/*
 * The word of `words` that was probably meant, by edit distance (a transposition counts as one);
 * NULL when none is near.
 */
const char *policy_nearest(const char *word, size_t size, const char *const *words, size_t count);
