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

static void units_free(struct page *page, const struct page_grants *grants)
{
	memset(&page->unit_used[grants->first], false, grants->count);
}

static struct page_grants grants_write(struct page *page, const struct policy *grants)
{
	static const struct policy_units_of nobody;
	uint32_t count = grants ? policy_units_count(grants) : 0;
	int first = count ? units_take(page, count) : -1;

	if (first < 0)
		return (struct page_grants){ 0 };
	policy_units_fill(grants, &nobody, &page->map->units[first]);
	return (struct page_grants){ .first = (uint16_t)first, .count = (uint16_t)count };
}

static bool are_shared(const struct page *page, int slot)
{
	const struct page_grants *grants = page->grants[slot];

	return grants[0].count && grants[0].first == grants[1].first;
}

static void point_to(struct page *page, int slot, unsigned parity, uint32_t block,
		     struct page_grants grants)
{
	struct mf_page_call *to = &page->map->calls[slot];

	page->grants[slot][parity] = grants;
	__atomic_store_n(&to->block[parity], block, __ATOMIC_RELAXED);
	__atomic_store_n(&to->grants[parity], grants.count ? grants.first + 1U : 0,
			 __ATOMIC_RELEASE);
}

static void hold_both(struct page *page, int slot, const struct page_hold hold[2],
		      bool ret_granted[2])
{
	bool same = hold[0].block == hold[1].block && hold[0].grants == hold[1].grants;
	struct page_grants grants = grants_write(page, hold[0].grants);

	ret_granted[0] = grants.count;
	point_to(page, slot, 0, hold[0].block, grants);
	if (!same)
		grants = grants_write(page, hold[1].grants);
	ret_granted[1] = grants.count;
	point_to(page, slot, 1, hold[1].block, grants);
}

uint64_t page_add(struct page *page, uint64_t ordinal, const struct page_hold hold[2],
		  int *ret_slot, bool ret_granted[2])
{
	*ret_slot = -1;
	ret_granted[0] = ret_granted[1] = false;
	page->count++;
	page->sum += ordinal;
	if (!page->free_count) {
		page->unnamed++;
		return publish(page);
	}
	*ret_slot = page->free[--page->free_count];
	if (page->map) {
		hold_both(page, *ret_slot, hold, ret_granted);
		__atomic_store_n(&page->map->calls[*ret_slot].ordinal, ordinal, __ATOMIC_RELEASE);
	}
	return publish(page);
}

/* Nothing reads what is replaced: its policy is not in force, or not any more. */
static void replace(struct page *page, int slot, unsigned parity, uint32_t block,
		    struct page_grants grants)
{
	struct page_grants old = page->grants[slot][parity];
	bool shared = are_shared(page, slot);

	point_to(page, slot, parity, block, grants);
	if (!shared)
		units_free(page, &old);
}

bool page_hold(struct page *page, int slot, unsigned parity, const struct page_hold *hold)
{
	struct page_grants grants;

	if (slot < 0 || !page->map)
		return false;
	grants = grants_write(page, hold->grants);
	replace(page, slot, parity, hold->block, grants);
	return grants.count;
}

void page_hold_same(struct page *page, int slot, unsigned parity)
{
	if (slot >= 0 && page->map && !are_shared(page, slot))
		replace(page, slot, !parity, page->map->calls[slot].block[parity],
			page->grants[slot][parity]);
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
	units_free(page, &page->grants[slot][0]);
	units_free(page, &page->grants[slot][1]); /* the same, where they are shared */
	memset(page->grants[slot], 0, sizeof(page->grants[slot]));
	return stamp;
}
