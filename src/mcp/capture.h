/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The raw bytes of one JSON value, collected as they pass: the first of them, their number, and
 * the digest of all.
 */

#include <sodium.h>
#include <stdbool.h>

#include "base/buf.h"

struct capture {
	bool active;
	bool leading; /* the key's colon and blanks are still to come */
	bool digest;
	bool failed;
	size_t keep; /* bytes kept */
	uint64_t total;
	crypto_hash_sha256_state sha;
	struct buf bytes;
};

/* `after_key`: the bytes begin right behind a key. */
void capture_begin(struct capture *capture, size_t keep, bool digest, bool after_key);
void capture_feed(struct capture *capture, const uint8_t *bytes, size_t size);
/* ret_sha256 may be NULL. */
void capture_end(struct capture *capture, uint8_t *ret_sha256);
