/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "policy/grant.h"
#include "policy/load.h"
#include "relay/page.h"
#include "tests/unit/policy/policies.h"

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
	const struct page_hold hold[2] = { { .block = 7 }, { .block = 7 } };
	bool granted[2];

	return page_add(&page, ordinal, hold, ret_slot, granted);
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

/* What a policy grants, of so many paths */
struct given {
	struct made made;
	struct policy_world world;
	struct policy_load load;
	struct buf image;
	struct policy view;
};

static void give(struct given *given, const char *arguments)
{
	struct policy_grant_call call = { .cwd = "/",
					  .world = &given->world,
					  .arguments = arguments,
					  .arguments_size = strlen(arguments) };

	memset(given, 0, sizeof(*given));
	make("version 1\ntool t\n  read ${arg.path}\n", &given->made);
	policy_load_world(&given->load, &given->world);
	call.block = policy_tool_block(&given->made.policy, "t", 1);
	assert_int_equal(policy_grant_build(&given->made.policy, &call, &given->image, NULL), 0);
	policy_view(buf_bytes(&given->image), &given->view);
}

static void take_back(struct given *given)
{
	made_free(&given->made);
	buf_free(&given->image);
}

static uint32_t units_used(void)
{
	uint32_t used = 0;

	for (size_t i = 0; i < MF_PAGE_UNITS; i++)
		used += page.unit_used[i];
	return used;
}

static void two_policies_have_what_each_grants_and_equal_ones_share_it(void **state)
{
	struct given one, other;
	struct page_hold hold[2];
	bool granted[2];
	uint32_t first;
	int slot;

	give(&one, "{\"path\":\"/a\"}");
	give(&other, "{\"path\":[\"/b\",\"/c\"]}");
	hold[0] = hold[1] = (struct page_hold){ .block = 1, .grants = &one.view };
	page_add(&page, 1, hold, &slot, granted);
	assert_true(granted[0] && granted[1]);
	assert_int_equal(page.map->calls[slot].grants[0], page.map->calls[slot].grants[1]);
	first = units_used();

	assert_true(page_hold(&page, slot, 0,
			      &(struct page_hold){ .block = 2, .grants = &other.view }));
	assert_int_equal(page.map->calls[slot].block[0], 2);
	assert_int_equal(page.map->calls[slot].block[1], 1);
	assert_int_not_equal(page.map->calls[slot].grants[0], page.map->calls[slot].grants[1]);
	assert_true(units_used() > first);

	page_hold_same(&page, slot, 1); /* the new one was not taken */
	assert_int_equal(page.map->calls[slot].block[0], 1);
	assert_int_equal(page.map->calls[slot].grants[0], page.map->calls[slot].grants[1]);
	assert_int_equal(units_used(), first);

	page_hold(&page, slot, 0, &(struct page_hold){ .block = 3 });
	page_hold_same(&page, slot, 0); /* it was */
	assert_int_equal(page.map->calls[slot].block[1], 3);
	assert_int_equal(page.map->calls[slot].grants[1], 0);
	assert_int_equal(units_used(), 0);

	page_hold(&page, slot, 1, &hold[0]);
	page_remove(&page, 1, slot);
	assert_int_equal(units_used(), 0);
	take_back(&one);
	take_back(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_change_is_a_new_epoch_with_its_count, setup,
						teardown),
		cmocka_unit_test_setup_teardown(more_requests_than_slots_are_counted_and_said,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			two_policies_have_what_each_grants_and_equal_ones_share_it, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
