/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Want of memory, at a place that the test chooses. A program with this in it is linked with
 * want_args (meson.build), so that what it and the library allocate, or append to a buffer, is counted here.
 */

#include <stdbool.h>

/* The allocation after the next `count` ones fails, and no other; -1: none does. */
void want_after(long count);
/* Whether it has failed by now. */
bool want_was_felt(void);
