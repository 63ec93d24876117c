/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The one layout of a policy's text: heads at the margin, lines of a block indented by two, what
 * they are about in one column, comments kept and lined up, one empty line before a block and never
 * two. Words stay as they are written, so the meaning does; a line that cannot be read stays whole.
 * Formatting twice changes nothing.
 */

#include <stdint.h>

#include "base/buf.h"

/* A character of the text that must not be printed as it stands. */
struct policy_format_fault {
	uint32_t line, column; /* 1 …; columns in bytes */
	const char *text; /* what it is, for people */
};

/*
 * Calls `each` for the first such character of each line: a control, one that is not seen, a byte that
 * is no UTF-8, in whatever line, one that cannot be read included. Text without any can be formatted
 * and shown. Stops at what `each` returns that is not 0, and returns it; -ENOMEM.
 */
int policy_format_check(const char *text, size_t size,
			int (*each)(void *data, const struct policy_format_fault *fault),
			void *data);

/* Appends the text in that layout. -ENOMEM. */
int policy_format(const char *text, size_t size, struct buf *out);
