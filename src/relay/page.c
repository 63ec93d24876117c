/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/page.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "policy/units.h"

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
		__atomic_store_n(&page->map->only, page->count == 1 ? page->sum : 0,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&page->map->stamp, page->stamp, __ATOMIC_RELEASE);
	}
	return page->stamp;
}

/* The first free units of so many; -1: there are none. */
static int units_take(struct page *page, uint32_t count)
{
	uint32_t free = 0;

	for (uint32_t i = 0; i < MF_PAGE_UNITS; i++) {
		free = page->unit_used[i] ? 0 : free + 1;
		if (free < count)
			continue;
		memset(&page->unit_used[i + 1 - count], true, count);
		return (int)(i + 1 - count);
	}
	return -1;
}

/* Returns what a call's entry says of them. */
static uint32_t grants_write(struct page *page, uint32_t slot, const struct policy *grants)
{
	static const struct policy_units_of nobody;
	uint32_t count = policy_units_count(grants);
	int first = units_take(page, count);

	if (first < 0)
		return 0;
	policy_units_fill(grants, &nobody, &page->map->units[first]);
	page->units_first[slot] = (uint16_t)first;
	page->units_count[slot] = (uint16_t)count;
	return (uint32_t)first + 1;
}

static void call_write(struct page *page, uint32_t slot, const struct page_call *call,
		       bool *ret_granted)
{
	struct mf_page_call *to = &page->map->calls[slot];
	uint32_t grants = call->grants ? grants_write(page, slot, call->grants) : 0;

	*ret_granted = grants;
	for (size_t i = 0; i < ARRAY_LEN(to->block); i++) {
		__atomic_store_n(&to->block[i], call->block, __ATOMIC_RELAXED);
		__atomic_store_n(&to->grants[i], grants, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&to->ordinal, call->ordinal, __ATOMIC_RELEASE);
}

uint64_t page_add(struct page *page, const struct page_call *call, int *ret_slot, bool *ret_granted)
{
	*ret_slot = -1;
	*ret_granted = false;
	page->count++;
	page->sum += call->ordinal;
	if (page->free_count) {
		*ret_slot = page->free[--page->free_count];
		if (page->map)
			call_write(page, (uint32_t)*ret_slot, call, ret_granted);
	} else {
		page->unnamed++;
	}
	return publish(page);
}

uint64_t page_remove(struct page *page, uint64_t ordinal, int slot)
{
	uint64_t stamp;

	page->count--;
	page->sum -= ordinal;
	if (slot < 0) {
		page->unnamed--;
		return publish(page);
	}
	if (page->map)
		__atomic_store_n(&page->map->calls[slot].ordinal, 0, __ATOMIC_RELEASE);
	page->free[page->free_count++] = (uint16_t)slot;
	stamp = publish(page);
	memset(&page->unit_used[page->units_first[slot]], false, page->units_count[slot]);
	page->units_count[slot] = 0;
	return stamp;
}
