/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/escape.h"
#include "mcp/utf8.h"

static bool valid_in_pieces(const char *text, size_t size, size_t piece)
{
	struct utf8_check check = { 0 };

	for (size_t at = 0; at < size; at += piece)
		utf8_check_feed(&check, (const uint8_t *)text + at,
				size - at < piece ? size - at : piece);
	return utf8_check_end(&check);
}

static void pieces_say_what_the_whole_says(void **state)
{
	/* every pair of a first and a second byte, followed by two that may continue it */
	for (unsigned first = 0x70; first < 0x100; first++) {
		for (unsigned second = 0; second < 0x100; second++) {
			const char text[] = { 'a', (char)first, (char)second, '\x80', '\x80', 'b' };

			for (size_t size = 1; size <= sizeof(text); size++) {
				int whole = utf8_valid(text, size);

				assert_int_equal(valid_in_pieces(text, size, 100), whole);
				assert_int_equal(valid_in_pieces(text, size, 1), whole);
			}
		}
	}
}

static void a_cut_never_divides_a_character(void **state)
{
	const uint8_t text[] = "a\xc3\xa4\xf0\x9f\x98\x80z";

	assert_int_equal(utf8_cut(text, 1), 1);
	assert_int_equal(utf8_cut(text, 2), 1);
	assert_int_equal(utf8_cut(text, 3), 3);
	assert_int_equal(utf8_cut(text, 4), 3);
	assert_int_equal(utf8_cut(text, 6), 3);
	assert_int_equal(utf8_cut(text, 7), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_say_what_the_whole_says),
		cmocka_unit_test(a_cut_never_divides_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
