/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/page.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

void page_init(struct page *page)
{
	*page = (struct page){ .free_count = MF_PAGE_SLOTS };
	for (uint32_t i = 0; i < MF_PAGE_SLOTS; i++)
		page->free[i] = (uint16_t)(MF_PAGE_SLOTS - 1 - i);
}

int page_map(struct page *page, int map_fd)
{
	void *map = mmap(NULL, MF_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	page->map = map;
	return 0;
}

void page_unmap(struct page *page)
{
	if (page->map)
		munmap(page->map, MF_PAGE_SIZE);
	page->map = NULL;
}

/* The slots are written before the stamp that counts them. */
static uint64_t publish(struct page *page)
{
	page->epoch++;
	page->stamp = MF_STAMP(page->epoch, page->count);
	if (page->map) {
		__atomic_store_n(&page->map->overflow, page->unnamed > 0, __ATOMIC_RELAXED);
		__atomic_store_n(&page->map->stamp, page->stamp, __ATOMIC_RELEASE);
	}
	return page->stamp;
}

static void slot_write(struct page *page, uint32_t slot, uint64_t ordinal)
{
	if (page->map)
		__atomic_store_n(&page->map->calls[slot].ordinal, ordinal, __ATOMIC_RELAXED);
}

uint64_t page_add(struct page *page, uint64_t ordinal, int *ret_slot)
{
	*ret_slot = -1;
	page->count++;
	if (page->free_count) {
		*ret_slot = page->free[--page->free_count];
		slot_write(page, (uint32_t)*ret_slot, ordinal);
	} else {
		page->unnamed++;
	}
	return publish(page);
}

uint64_t page_remove(struct page *page, int slot)
{
	page->count--;
	if (slot < 0) {
		page->unnamed--;
	} else {
		slot_write(page, (uint32_t)slot, 0);
		page->free[page->free_count++] = (uint16_t)slot;
	}
	return publish(page);
}
