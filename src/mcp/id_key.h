/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * When two JSON-RPC ids may be the same to some peer: strings by their decoded text, numbers by
 * their value as a double (a JavaScript server answers 9007199254740993 as …992). A string never
 * equals a number.
 */

#include "base/buf.h"
#include "mcp/message.h"

/* Appends the key to `out`: equal keys may be equal ids. -EINVAL: missing and null ids have none. */
int id_key(const struct mcp_id *id, struct buf *out);
