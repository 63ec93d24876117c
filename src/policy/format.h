/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The one layout of a policy's text: heads at the margin, lines of a block indented by two, what
 * they are about in one column, comments kept and lined up, one empty line before a block and never
 * two. Words stay as they are written, so the meaning does; a line that cannot be read stays whole.
 * Formatting twice changes nothing.
 */

#include "base/buf.h"

/* Appends the text in that layout. -ENOMEM. */
int policy_format(const char *text, size_t size, struct buf *out);
