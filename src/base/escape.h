/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Text from outside (paths, arguments, tool names, process names), made safe to print on a
 * terminal: printable ASCII and well-formed UTF-8 that is neither a control, a format nor a
 * direction character stay; all else becomes \n, \t, \xNN or \u{NNNN}. A backslash becomes \\.
 */

#include <stddef.h>

#include "base/buf.h"

int escape_text(struct buf *out, const void *bytes, size_t size);

/* Length of the well-formed UTF-8 sequence at `bytes` (1…4), 0 when it is none. *ret_code: the
 * code point. */
size_t utf8_sequence(const unsigned char *bytes, size_t size, unsigned *ret_code);
int utf8_valid(const void *bytes, size_t size);
