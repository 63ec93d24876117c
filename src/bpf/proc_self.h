/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The /proc of the process that asks, as src/policy/proc_self.h: where in a path its own number stands,
 * which is looked for as "self", and where the path goes on.
 */

#include "decide.h"
#include "slots.h"

#define PROC_DIR 0x2f636f72702fULL /* "/proc/", as its bytes stand in a word */
#define PROC_DIR_SIZE 6
#define TASK_DIR 0x2f6b7361742fULL /* "/task/" */
#define SIX_BYTES 0xffffffffffffULL

static __always_inline __u64 word_at(const struct path_walk *walk, __u32 at)
{
	return *(const __u64 *)&walk->bytes[at & (MF_PATH_MAX - 1)];
}

/*
 * The size of the number, of up to 7 digits, that is a whole name there, and its value; 0: it is none.
 * Without a loop, eight bytes at a time: the digits are moved to the end of the word, then two, four and
 * eight of them are put together.
 */
static __always_inline __u32 number_at(const struct path_walk *walk, __u32 at, __u64 *ret_value)
{
	__u64 word = word_at(walk, at), slash = slots_slash(word), below = slots_below(slash);
	__u32 size = slots_bytes(below), shift = 64 - 8 * size;
	__u64 digits;

	if (!slash || !size || (__u8)word == '0')
		return 0;
	digits = (word & below) - (BYTES_1 * '0' & below);
	if ((digits | (digits + BYTES_1 * 0x76)) & BYTES_80) /* over 9 */
		return 0;
	digits <<= shift & 63;
	digits = digits * 10 + (digits >> 8);
	*ret_value = ((digits & 0x000000ff000000ffULL) * 0x000f424000000064ULL +
		      (digits >> 16 & 0x000000ff000000ffULL) * 0x0000271000000001ULL) >>
		     32;
	return size;
}

static __always_inline void proc_self_find(struct deciding *d, const struct path_walk *walk)
{
	__u32 at = walk->pos + PROC_DIR_SIZE, size;
	__u64 value;

	d->self_at = MF_PATH_MAX;
	if (!d->pid || (word_at(walk, walk->pos) & SIX_BYTES) != PROC_DIR)
		return;
	size = number_at(walk, at, &value);
	if (!size || value != d->pid)
		return;
	d->self_at = at;
	d->self_end = at += size;
	if (at + PROC_DIR_SIZE >= MF_PATH_MAX || (word_at(walk, at) & SIX_BYTES) != TASK_DIR)
		return;
	at += PROC_DIR_SIZE;
	size = number_at(walk, at, &value);
	if (size)
		d->self_end = at + size;
}
