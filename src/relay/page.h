/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The relay's side of the in-flight page (abi/page.h): its only writer. */

#include <stdbool.h>
#include <stdint.h>

#include "abi/page.h"
#include "policy/tables.h"

/* What holds for a request, by a policy */
struct page_hold {
	uint32_t block;
	const struct policy *grants; /* NULL: none */
};

/* The units that grants were written to; count 0: there are none */
struct page_grants {
	uint16_t first, count;
};

struct page {
	struct mf_page *map; /* NULL: nobody reads it */
	uint64_t epoch;
	uint32_t count; /* in flight */
	uint32_t unnamed; /* of them, without a slot */
	uint16_t free[MF_PAGE_SLOTS];
	uint32_t free_count;
	uint64_t stamp;
	uint64_t sum; /* of the ordinals in flight: where one is, that one */
	struct page_grants grants[MF_PAGE_SLOTS]
				 [2]; /* of each slot, as in mf_page_call; equal: shared */
	bool unit_used[MF_PAGE_UNITS];
};

void page_init(struct page *page);
int page_map(struct page *page, int map_fd);
void page_unmap(struct page *page);
/*
 * Publishes a request; *ret_slot goes to page_remove(). `hold` is by the last bit of a policy's
 * generation; two that are equal share their room. Returns the new stamp. ret_granted: there was room
 * for its grants; else it has none.
 */
uint64_t page_add(struct page *page, uint64_t ordinal, const struct page_hold hold[2],
		  int *ret_slot, bool ret_granted[2]);
/*
 * What it has by the policy with this last bit of its generation, before that is in force. Returns
 * whether there was room for its grants; else it has none by it. A request without a slot has nothing.
 */
bool page_hold(struct page *page, int slot, unsigned parity, const struct page_hold *hold);
/* It has the same by the other policy as by this one. */
void page_hold_same(struct page *page, int slot, unsigned parity);
uint64_t page_remove(struct page *page, uint64_t ordinal, int slot);
