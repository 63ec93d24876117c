/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void bytes_come_out_in_the_order_they_went_in(void **state)
{
	_cleanup_buf_ struct buf buf = { 0 };

	assert_int_equal(buf_append_str(&buf, "abc"), 0);
	assert_int_equal(buf_append(&buf, "def", 3), 0);
	buf_consume(&buf, 2);
	assert_int_equal(buf_size(&buf), 4);
	assert_memory_equal(buf_bytes(&buf), "cdef", 4);
}

static void an_append_past_the_limit_changes_nothing(void **state)
{
	_cleanup_buf_ struct buf buf = { .limit = 4 };

	assert_int_equal(buf_append_str(&buf, "abc"), 0);
	assert_int_equal(buf_append_str(&buf, "de"), -ENOBUFS);
	assert_int_equal(buf_printf(&buf, "%d", 1234), -ENOBUFS);
	assert_int_equal(buf_size(&buf), 3);
	assert_memory_equal(buf_bytes(&buf), "abc", 3);
	assert_int_equal(buf_append_str(&buf, "d"), 0);
}

static void what_was_consumed_is_room_again(void **state)
{
	_cleanup_buf_ struct buf buf = { .limit = 64 };
	uint8_t chunk[48] = { 7 };

	for (int i = 0; i < 10000; i++) {
		assert_int_equal(buf_append(&buf, chunk, sizeof(chunk)), 0);
		buf_consume(&buf, sizeof(chunk));
	}
	assert_in_range(buf.capacity, 0, 65536);
}

static void an_empty_buffer_has_bytes_that_may_be_compared(void **state)
{
	_cleanup_buf_ struct buf buf = { 0 };

	assert_non_null(buf_bytes(&buf));
	assert_int_equal(buf_size(&buf), 0);
}

static void a_reset_gives_memory_back(void **state)
{
	_cleanup_buf_ struct buf buf = { 0 };
	uint8_t *room;

	assert_int_equal(buf_reserve(&buf, 1 << 20, &room), 0);
	memset(room, 1, 1 << 20);
	buf_commit(&buf, 1 << 20);
	buf_reset(&buf, 4096);
	assert_int_equal(buf_size(&buf), 0);
	assert_in_range(buf.capacity, 0, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_in_the_order_they_went_in),
		cmocka_unit_test(an_append_past_the_limit_changes_nothing),
		cmocka_unit_test(what_was_consumed_is_room_again),
		cmocka_unit_test(an_empty_buffer_has_bytes_that_may_be_compared),
		cmocka_unit_test(a_reset_gives_memory_back),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
