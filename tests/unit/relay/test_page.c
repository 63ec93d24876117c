/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "relay/page.h"

static struct page page;

static int setup(void **state)
{
	int fd = memfd_create("page", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, MF_PAGE_SIZE) < 0)
		return -1;
	page_init(&page);
	if (page_map(&page, fd) < 0)
		return -1;
	return close(fd);
}

static int teardown(void **state)
{
	page_unmap(&page);
	return 0;
}

static uint64_t add(uint64_t ordinal, int *ret_slot)
{
	const struct page_call call = { .ordinal = ordinal };
	bool granted;

	return page_add(&page, &call, ret_slot, &granted);
}

static void every_change_is_a_new_epoch_with_its_count(void **state)
{
	int a, b;

	assert_int_equal(page.map->stamp, 0);
	assert_int_equal(add(1, &a), MF_STAMP(1ULL, 1));
	assert_int_equal(add(2, &b), MF_STAMP(2ULL, 2));
	assert_int_equal(page.map->calls[a].ordinal, 1);
	assert_int_equal(page.map->calls[b].ordinal, 2);
	assert_int_equal(page.map->only, 0);
	assert_int_equal(page_remove(&page, 1, a), MF_STAMP(3ULL, 1));
	assert_int_equal(page.map->stamp, MF_STAMP(3ULL, 1));
	assert_int_equal(page.map->calls[a].ordinal, 0);
	assert_int_equal(page.map->only, 2);
}

static void more_requests_than_slots_are_counted_and_said(void **state)
{
	int slots[MF_PAGE_SLOTS + 2];

	for (size_t i = 0; i < MF_PAGE_SLOTS + 2; i++)
		add(i + 1, &slots[i]);
	assert_int_equal(page.map->overflow, 1);
	assert_int_equal(MF_STAMP_COUNT(page.map->stamp), MF_PAGE_SLOTS + 2);
	page_remove(&page, MF_PAGE_SLOTS + 1, slots[MF_PAGE_SLOTS]);
	assert_int_equal(page.map->overflow, 1);
	page_remove(&page, MF_PAGE_SLOTS + 2, slots[MF_PAGE_SLOTS + 1]);
	assert_int_equal(page.map->overflow, 0);
	for (size_t i = 0; i < MF_PAGE_SLOTS; i++)
		page_remove(&page, i + 1, slots[i]);
	for (size_t i = 0; i < MF_PAGE_SLOTS; i++)
		assert_int_equal(page.map->calls[i].ordinal, 0);
	assert_int_equal(MF_STAMP_COUNT(page.map->stamp), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_change_is_a_new_epoch_with_its_count, setup,
						teardown),
		cmocka_unit_test_setup_teardown(more_requests_than_slots_are_counted_and_said,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
