/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/escape.h"

#define assert_escaped(bytes, expected) escaped_is(bytes, sizeof(bytes) - 1, expected)

static void escaped_is(const char *bytes, size_t size, const char *expected)
{
	_cleanup_buf_ struct buf out = { 0 };

	assert_int_equal(escape_text(&out, bytes, size), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	assert_string_equal((const char *)buf_bytes(&out), expected);
}

static void printable_text_stays(void **state)
{
	assert_escaped("/srv/app/customers.db", "/srv/app/customers.db");
	assert_escaped("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80",
		       "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80");
}

static void what_steers_a_terminal_is_shown_not_done(void **state)
{
	assert_escaped("\x1b[31mred\a", "\\x1b[31mred\\x07");
	assert_escaped("a\nb\r\tc", "a\\nb\\r\\tc");
	assert_escaped("a\0b", "a\\x00b");
	assert_escaped("\xc2\x9b"
		       "31m",
		       "\\u{9b}31m");
}

static void what_is_not_seen_is_shown(void **state)
{
	assert_escaped("read_file\xe2\x80\x8b", "read_file\\u{200b}");
	assert_escaped("\xe2\x80\xae"
		       "fdp.exe",
		       "\\u{202e}fdp.exe");
	assert_escaped("\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}");
}

static void bytes_that_are_no_utf8_are_shown_each(void **state)
{
	assert_escaped("\xff\xfe", "\\xff\\xfe");
	assert_escaped("\xc0\xaf", "\\xc0\\xaf"); /* overlong */
	assert_escaped("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* a surrogate */
	assert_escaped("\xe2\x80", "\\xe2\\x80"); /* cut */
	assert_escaped("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
}

static void an_escape_cannot_be_forged(void **state)
{
	assert_escaped("\\x1b", "\\\\x1b");
}

static void utf8_validity_is_that_of_the_standard(void **state)
{
	assert_true(utf8_valid("gr\xc3\xbc\xc3\x9f", 6));
	assert_true(utf8_valid("", 0));
	assert_false(utf8_valid("\xc3", 1));
	assert_false(utf8_valid("\x80", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printable_text_stays),
		cmocka_unit_test(what_steers_a_terminal_is_shown_not_done),
		cmocka_unit_test(what_is_not_seen_is_shown),
		cmocka_unit_test(bytes_that_are_no_utf8_are_shown_each),
		cmocka_unit_test(an_escape_cannot_be_forged),
		cmocka_unit_test(utf8_validity_is_that_of_the_standard),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
