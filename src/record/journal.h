/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Journal packets (abi/journal.h), checked: after journal_next() every pointer and length of the
 * view is inside the packet. The packet stays the caller's and must be aligned to 8 bytes.
 */

#include <stddef.h>
#include <stdint.h>

#include "abi/journal.h"

#define JOURNAL_TEXTS 5

struct journal_view {
	const struct mf_journal_entry *head;
	const void *body; /* struct of the kind */
	const char *text[JOURNAL_TEXTS]; /* in the order of the body's lengths */
	size_t text_size[JOURNAL_TEXTS];
};

/* The entry at *offset, which then moves behind it. 1; 0 at the packet's end; -EBADMSG. */
int journal_next(const void *packet, size_t size, size_t *offset, struct journal_view *ret_entry);
