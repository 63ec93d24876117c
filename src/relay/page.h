/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The relay's side of the in-flight page (abi/page.h): its only writer. */

#include <stdint.h>

#include "abi/page.h"

struct page {
	struct mf_page *map; /* NULL: nobody reads it */
	uint64_t epoch;
	uint32_t count; /* in flight */
	uint32_t unnamed; /* of them, without a slot */
	uint16_t free[MF_PAGE_SLOTS];
	uint32_t free_count;
	uint64_t stamp;
};

void page_init(struct page *page);
int page_map(struct page *page, int map_fd);
void page_unmap(struct page *page);
/* Publishes a request; *ret_slot goes to page_remove(). Returns the new stamp. */
uint64_t page_add(struct page *page, uint64_t ordinal, int *ret_slot);
uint64_t page_remove(struct page *page, int slot);
