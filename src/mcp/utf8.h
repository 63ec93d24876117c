/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Well-formed UTF-8, checked in pieces of any size. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct utf8_check {
	bool bad;
	uint8_t need; /* continuation bytes to come */
	uint8_t low, high; /* bounds of the next one; 0: the usual ones */
};

void utf8_check_feed(struct utf8_check *check, const uint8_t *bytes, size_t size);
/* Whether all of it was well-formed, and none is cut off. */
bool utf8_check_end(const struct utf8_check *check);
/* The longest size ≤ `size` that does not cut a sequence of `bytes` (of which `size` < all). */
size_t utf8_cut(const uint8_t *bytes, size_t size);
