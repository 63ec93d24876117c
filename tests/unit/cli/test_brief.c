/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/brief.h"

static void becomes(const char *json, const char *expected)
{
	_cleanup_buf_ struct buf out = { 0 };

	assert_int_equal(brief_entry(&out, json, strlen(json)), 0);
	assert_int_equal(buf_size(&out), strlen(expected));
	assert_memory_equal(buf_bytes(&out), expected, strlen(expected));
}

static void long_members_are_left_out(void **state)
{
	becomes("{\"uid\":\"a-1\",\"events\":[{\"x\":[1,2]},{}],\"complete\":true}",
		"{\"uid\":\"a-1\",\"complete\":true}");
	becomes("{\"events\":[],\"processes\":[{}],\"a\":1}", "{\"a\":1}");
	becomes("{\"a\":1,\"events\":[]}", "{\"a\":1}");
	becomes("{\"events\":[]}", "{}");
	becomes("{}", "{}");
}

static void the_same_names_further_in_stay(void **state)
{
	becomes("{\"arguments\":{\"events\":[1]},\"b\":2}",
		"{\"arguments\":{\"events\":[1]},\"b\":2}");
}

static void brackets_and_quotes_in_strings_are_text(void **state)
{
	becomes("{\"text\":\"]},\\\"events\\\":[\\\\\",\"events\":[\"]\"],\"b\":2}",
		"{\"text\":\"]},\\\"events\\\":[\\\\\",\"b\":2}");
}

static void what_is_no_object_is_refused(void **state)
{
	static const char *const texts[] = { "",	 "[]",	      "{",     "{\"a",
					     "{\"a\":1", "{\"a\":\"", "{1:2}", "{\"a\":[" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_buf_ struct buf out = { 0 };
		_cleanup_free_ char *exact = malloc(strlen(texts[i]) + 1);

		memcpy(exact, texts[i], strlen(texts[i]));
		assert_int_equal(brief_entry(&out, exact, strlen(texts[i])), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_members_are_left_out),
		cmocka_unit_test(the_same_names_further_in_stay),
		cmocka_unit_test(brackets_and_quotes_in_strings_are_text),
		cmocka_unit_test(what_is_no_object_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
