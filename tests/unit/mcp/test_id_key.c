/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/id_key.h"

static bool same(struct mcp_id a, struct mcp_id b)
{
	_cleanup_buf_ struct buf key_a = { 0 }, key_b = { 0 };

	assert_int_equal(id_key(&a, &key_a), 0);
	assert_int_equal(id_key(&b, &key_b), 0);
	return buf_size(&key_a) == buf_size(&key_b) &&
	       !memcmp(buf_bytes(&key_a), buf_bytes(&key_b), buf_size(&key_a));
}

static struct mcp_text text(const char *bytes)
{
	return (struct mcp_text){ (const uint8_t *)bytes, strlen(bytes) };
}

static struct mcp_id number(const char *raw)
{
	return (struct mcp_id){ MCP_ID_NUMBER, text(raw), text(raw), strlen(raw) };
}

static struct mcp_id string(const char *raw, const char *decoded)
{
	return (struct mcp_id){ MCP_ID_STRING, text(raw), text(decoded), strlen(raw) };
}

static void a_number_never_equals_a_string(void **state)
{
	assert_false(same(number("1"), string("\"1\"", "1")));
}

static void numbers_are_equal_by_value(void **state)
{
	assert_true(same(number("1"), number("1.0")));
	assert_true(same(number("100"), number("1e2")));
	assert_true(same(number("0"), number("-0")));
	assert_false(same(number("0"), number("1")));
	assert_false(same(number("1"), number("-1")));
	/* a JavaScript peer cannot tell these two */
	assert_true(same(number("9007199254740993"), number("9007199254740992")));
}

static void numbers_beyond_a_double_are_equal_as_written_only(void **state)
{
	assert_false(same(number("1e999"), number("2e999")));
	assert_true(same(number("1e999"), number("1e999")));
}

static void strings_are_equal_decoded(void **state)
{
	assert_true(same(string("\"\\u0031\"", "1"), string("\"1\"", "1")));
	assert_false(same(string("\"\"", ""), string("\"0\"", "0")));
}

static void a_missing_id_has_no_key(void **state)
{
	struct mcp_id missing = { MCP_ID_MISSING }, null = { MCP_ID_NULL };
	struct buf key = { 0 };

	assert_int_equal(id_key(&missing, &key), -EINVAL);
	assert_int_equal(id_key(&null, &key), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_never_equals_a_string),
		cmocka_unit_test(numbers_are_equal_by_value),
		cmocka_unit_test(numbers_beyond_a_double_are_equal_as_written_only),
		cmocka_unit_test(strings_are_equal_decoded),
		cmocka_unit_test(a_missing_id_has_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
