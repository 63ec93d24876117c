/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A log entry without its long parts, for lists.
 */

#include "base/buf.h"

/* Appends the JSON object without its members `events` and `processes`. Works on the text: what
 * stays, stays byte for byte. -EBADMSG: the text is no object. */
int brief_entry(struct buf *out, const char *json, size_t size);
