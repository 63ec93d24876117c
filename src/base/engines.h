/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The engines' names, as people write and read them.
 */

#include <stdint.h>

#define ENGINE_WORDS "auto, lsm, kprobe or trace"

/* "lsm" …; "auto" for 0 and NULL for what is none. Static. */
const char *engine_word(uint32_t engine);
/* enum mf_engine, 0 for "auto", or -EINVAL. */
int engine_of_word(const char *word, uint32_t *ret_engine);
