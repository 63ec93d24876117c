/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What random_policy.c and random_access.c share. */

#include <stdlib.h>

#include "random_policy.h"

#define PICK(dice, list) ((list)[dice_roll(dice, sizeof(list) / sizeof(*(list)))])
#define LONG_32 "cccccccccccccccccccccccccccccccc" /* as much as one key of the path table holds */

#define RANDOM_ABSTRACT_NAMES 8
extern const char *const random_abstract_names[RANDOM_ABSTRACT_NAMES];

static inline bool one_in(struct dice *dice, uint32_t sides)
{
	return dice_roll(dice, sides) == 0;
}

static inline void put(struct buf *out, const char *text)
{
	if (buf_append_str(out, text))
		abort();
}

void random_path(struct dice *dice, struct buf *out);
