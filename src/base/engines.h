/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The engines' names, as people write and read them.
 */

#include <stdbool.h>
#include <stdint.h>

#define ENGINE_WORDS "auto, lsm, kprobe or trace"
#define PROBE_WORDS "auto or kprobe"

/* "lsm" …; "auto" for 0 and NULL for what is none. Static. */
const char *engine_word(uint32_t engine);
/* enum mf_engine, 0 for "auto", or -EINVAL. */
int engine_of_word(const char *word, uint32_t *ret_engine);
/* Whether a kprobe is to tell of a SYN, or what the engine has for it; or -EINVAL. */
int probe_of_word(const char *word, bool *ret_syn_by_kprobe);
