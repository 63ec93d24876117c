/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Secrets do not go into the log: values are masked by the name that they go by (api_key, token,
 * password, …) and by their shape (Bearer …, sk-…, ghp_…, AKIA…, JWT, private keys). What is
 * masked becomes MASKED. It is a safety net with stated meshes (docs/record.md), not a proof.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define MASKED "[masked]"
#define MASK_DEPTH_MAX 200 /* of nesting in arguments */

/*
 * JSON text → the same JSON text on one line with its secrets masked. -EBADMSG when it is not one
 * valid UTF-8 JSON value; -E2BIG when it is nested too deeply.
 */
int mask_json(struct buf *out, const char *json, size_t size, bool *ret_masked);

/* Any text: a reply, one argument of a command line. */
int mask_text(struct buf *out, const char *text, size_t size, bool *ret_masked);

/* The same for the inside of a JSON string, which stays one. */
int mask_inside(struct buf *out, const char *inside, size_t size, bool *ret_masked);

/* Whether a key, or an option (--api-key), says that its value is a secret. */
bool mask_key(const char *key, size_t size);
