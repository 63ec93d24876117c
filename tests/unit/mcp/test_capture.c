/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/capture.h"

static void feed(struct capture *capture, const char *text)
{
	capture_feed(capture, (const uint8_t *)text, strlen(text));
}

static void what_stands_between_key_and_value_is_no_part_of_it(void **state)
{
	struct capture capture = { 0 };

	capture_begin(&capture, 100, false, true);
	feed(&capture, " ");
	feed(&capture, ": ");
	feed(&capture, "\t{\"a\" : 1");
	feed(&capture, "}");
	assert_int_equal(capture.total, 9);
	assert_memory_equal(buf_bytes(&capture.bytes), "{\"a\" : 1}", 9);
	capture_end(&capture, NULL);
	buf_free(&capture.bytes);
}

static void the_digest_is_of_all_what_is_kept_has_a_limit(void **state)
{
	struct capture capture = { 0 };
	uint8_t is[32], should[32];

	capture_begin(&capture, 4, true, false);
	feed(&capture, "abc");
	feed(&capture, "defg");
	capture_end(&capture, is);
	crypto_hash_sha256(should, (const uint8_t *)"abcdefg", 7);
	assert_memory_equal(is, should, sizeof(is));
	assert_int_equal(capture.total, 7);
	assert_int_equal(buf_size(&capture.bytes), 4);
	buf_free(&capture.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stands_between_key_and_value_is_no_part_of_it),
		cmocka_unit_test(the_digest_is_of_all_what_is_kept_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
