/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The relay's side of the in-flight page (abi/page.h): its only writer. */

#include <stdbool.h>
#include <stdint.h>

#include "abi/page.h"
#include "policy/tables.h"

/* What holds for a request, by the session's policy */
struct page_call {
	uint64_t ordinal;
	uint32_t block;
	const struct policy *grants; /* NULL: none */
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
	uint16_t units_first[MF_PAGE_SLOTS], units_count[MF_PAGE_SLOTS]; /* of each slot's grants */
	bool unit_used[MF_PAGE_UNITS];
};

void page_init(struct page *page);
int page_map(struct page *page, int map_fd);
void page_unmap(struct page *page);
/*
 * Publishes a request; *ret_slot goes to page_remove(). Returns the new stamp. *ret_granted: there was
 * room for its grants; else it has none.
 */
uint64_t page_add(struct page *page, const struct page_call *call, int *ret_slot,
		  bool *ret_granted);
uint64_t page_remove(struct page *page, uint64_t ordinal, int slot);
