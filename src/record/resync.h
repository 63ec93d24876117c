/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Finding the way back behind bytes of a segment that are no entry: one bad bit must not cost what
 * was written after it.
 */

#include <stdint.h>

/*
 * The first whole entry (checksum included) that begins at `from` or later and ends within `size`.
 * 1 and its offset, 0 when there is none, -errno. Bounded work: where the bytes look like many
 * entries and are none, it gives up and says 0.
 */
int log_find_entry(int fd, uint64_t from, uint64_t size, uint64_t *ret_at);
