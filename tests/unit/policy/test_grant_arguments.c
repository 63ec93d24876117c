/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "policy/grant_arguments.h"

/* "WHY" of an argument without values, else its values, or why they are none, parted by " | ". */
static const char *say(struct buf *out, const struct policy_argument *argument)
{
	if (argument->why)
		assert_int_equal(buf_append_str(out, policy_grant_why_word(argument->why)), 0);
	for (size_t i = 0; !argument->why && i < argument->count; i++) {
		const struct policy_value *value = &argument->values[i];

		assert_int_equal(
			buf_printf(out, "%s%s", i ? " | " : "",
				   value->why ? policy_grant_why_word(value->why) : value->bytes),
			0);
	}
	if (argument->more)
		assert_int_equal(buf_append_str(out, " | …"), 0);
	assert_int_equal(buf_append(out, "", 1), 0);
	return (const char *)buf_bytes(out);
}

static void expect_bytes(const char *json, size_t size, const char *name, const char *expected)
{
	struct policy_argument argument = { .name = name, .name_size = strlen(name) };
	_cleanup_buf_ struct buf out = { 0 };
	_cleanup_free_ char *copy = NULL;

	if (json) { /* exactly as long, so that ASan sees a read past its end */
		copy = malloc(size ? size : 1);
		assert_non_null(copy);
		memcpy(copy, json, size);
	}
	assert_int_equal(policy_arguments_read(copy, size, &argument, 1), 0);
	if (strcmp(say(&out, &argument), expected) != 0)
		fail_msg("%s of %.*s: %s, expected %s", name, (int)size, json ? json : "nothing",
			 (const char *)buf_bytes(&out), expected);
	policy_arguments_free(&argument, 1);
}

static void expect(const char *json, const char *name, const char *expected)
{
	expect_bytes(json, json ? strlen(json) : 0, name, expected);
}

static void a_string_is_its_value(void **state)
{
	expect("{\"path\":\"/srv/a\"}", "path", "/srv/a");
	expect(" { \"x\" : [1, {\"path\": \"no\"}] , \"path\" : \"/srv/a\" } ", "path", "/srv/a");
	expect("{\"p\\u0061th\":\"\\/srv\\u002fa\"}", "path", "/srv/a");
	expect("{\"path\":\"\\ud83d\\ude00\"}", "path", "\xf0\x9f\x98\x80");
}

static void each_string_of_an_array_is_a_value(void **state)
{
	expect("{\"path\":[\"/a\",\"/b\"]}", "path", "/a | /b");
	expect("{\"path\":[\"/a\",7,null,true,{\"path\":\"/no\"},[\"/no\"],\"\",\"/b\"]}", "path",
	       "/a | type | type | type | type | type | empty | /b");
	expect("{\"path\":[[[\"/no\"]]],\"x\":[\"/no\"]}", "path", "type");
	expect("{\"path\":[]}", "path", "empty");
}

static void a_member_of_a_member_is_reached_by_dots(void **state)
{
	const char *json =
		"{\"a\":{\"b\":{\"c\":\"deep\"},\"c\":\"mid\"},\"b\":\"no\",\"c\":\"top\"}";

	expect(json, "a.b.c", "deep");
	expect(json, "a.c", "mid");
	expect(json, "c", "top");
	expect(json, "a.b.d", "absent");
	expect(json, "a.d.c", "absent");
	expect("{\"a\":{\"x\":{\"b\":\"no\"}},\"b\":\"no\"}", "a.b", "absent");
	expect("{\"a\":{\"b\":[\"1\",\"2\"]}}", "a.b", "1 | 2");
}

static void a_dot_in_a_key_leads_nowhere(void **state)
{
	expect("{\"a.b\":\"no\"}", "a.b", "absent");
	expect("{\"a.b\":\"no\",\"a\":{\"b\":\"yes\"}}", "a.b", "yes");
}

static void nothing_is_absent(void **state)
{
	expect(NULL, "path", "absent");
	expect("{}", "path", "absent");
	expect("{\"path\":null}", "path", "absent");
	expect("{\"a\":null}", "a.b", "absent");
	expect("{\"path \":\"/a\"}", "path", "absent");
}

static void what_is_no_string_has_no_value(void **state)
{
	expect("{\"path\":5}", "path", "type");
	expect("{\"path\":1e999999}", "path", "type");
	expect("{\"path\":123456789012345678901234567890}", "path", "type");
	expect("{\"path\":true}", "path", "type");
	expect("{\"path\":{\"path\":\"/no\"}}", "path", "type");
	expect("{\"a\":\"text\"}", "a.b", "type");
	expect("{\"a\":[{\"b\":\"/no\"}]}", "a.b", "type");
}

static void an_empty_string_is_told(void **state)
{
	expect("{\"path\":\"\"}", "path", "empty");
}

static void a_nul_is_told(void **state)
{
	expect("{\"path\":\"/srv/a\\u0000.txt\"}", "path", "nul");
	expect("{\"path\":\"\\u0000\"}", "path", "nul");
	expect_bytes("{\"path\":\"/srv\0/a\"}", 18, "path", "json");
}

static void a_key_that_is_there_twice_has_no_value(void **state)
{
	expect("{\"path\":\"/a\",\"path\":\"/b\"}", "path", "json");
	expect("{\"path\":\"/a\",\"path\":\"/a\"}", "path", "json");
	expect("{\"path\":\"/a\",\"p\\u0061th\":\"/b\"}", "path", "json");
	expect("{\"path\":{\"x\":1},\"path\":\"/b\"}", "path", "json");
	expect("{\"a\":{\"b\":\"1\"},\"a\":{\"b\":\"2\"}}", "a.b", "json");
	expect("{\"a\":{\"b\":\"1\",\"b\":\"2\"}}", "a.b", "json");
	expect("{\"a\":{\"b\":\"1\"},\"a\":null}", "a.b", "json");
}

static void another_key_that_is_there_twice_does_not_matter(void **state)
{
	expect("{\"x\":1,\"x\":2,\"path\":\"/a\",\"y\":{\"path\":1,\"path\":2}}", "path", "/a");
}

static void a_key_in_another_case_is_the_same_to_some(void **state)
{
	expect("{\"path\":\"/a\",\"PATH\":\"/b\"}", "path", "json");
	expect("{\"Path\":\"/a\",\"path\":\"/b\"}", "path", "json");
	expect("{\"task\":\"/a\",\"ta\xc5\xbf\xe2\x84\xaa\":\"/b\"}", "task", "json"); /* ſ, K */
	expect("{\"A\":{\"b\":\"1\"},\"a\":{\"b\":\"2\"}}", "a.b", "json");
	/* alone it is there to some only */
	expect("{\"Path\":\"/a\"}", "path", "absent");
	expect("{\"p\xc3\xa4th\":\"/a\"}", "path", "absent");
}

static void look_alikes_are_other_keys(void **state)
{
	expect("{\"p\xd0\xb0th\":\"/a\",\"path\":\"/b\"}", "path", "/b"); /* Cyrillic а */
	expect("{\"\xc3\xbf\":\"/a\",\"s\":\"/b\"}", "s", "/b"); /* ÿ ends like ſ */
	expect("{\"\xc5\xbe\":\"/a\",\"s\":\"/b\"}", "s", "/b"); /* ž begins like it */
	expect("{\"\xe2\x84\xab\":\"/a\",\"k\":\"/b\"}", "k", "/b"); /* Å, not K */
	expect("{\"path\xe2\x80\x8b\":\"/a\"}", "path", "absent"); /* zero width space */
}

static void bytes_that_are_no_utf8_make_it_unreadable(void **state)
{
	expect("{\"path\":\"/a\xff\"}", "path", "json");
	expect("{\"path\":\"\xc0\xaf\"}", "path", "json"); /* an overlong slash */
	expect("{\"path\":\"\xe0\x80\xaf\"}", "path", "json");
	expect("{\"path\":\"\xed\xa0\x80\"}", "path", "json"); /* a surrogate */
	expect("{\"path\":\"\xf4\x90\x80\x80\"}", "path", "json"); /* beyond U+10FFFF */
	expect("{\"path\":\"/a\",\"x\":\"\xff\"}", "path", "json");
	expect("\xef\xbb\xbf{\"path\":\"/a\"}", "path", "json"); /* a byte order mark */
}

static void half_a_surrogate_pair_makes_it_unreadable(void **state)
{
	expect("{\"path\":\"\\ud800\"}", "path", "json");
	expect("{\"path\":\"\\udcff\"}", "path", "json");
	expect("{\"path\":\"\\ud800\\ud800\"}", "path", "json");
	expect("{\"path\":\"\\udc00\\udc00\"}", "path", "json");
	expect("{\"path\":\"\\ud800\\ue000\"}", "path", "json");
	expect("{\"path\":\"\\ud83d\"}", "path", "json");
	expect("{\"path\":\"\\ud7ff\\ue000\"}", "path", "\xed\x9f\xbf\xee\x80\x80");
	expect("{\"path\":\"\\ud83dx\\ude00\"}", "path", "json");
	expect("{\"path\":\"/a\",\"x\":\"\\uDFFF\"}", "path", "json");
	expect("{\"path\":\"\\\\ud800\"}", "path", "\\ud800");
}

static void what_is_no_json_object_has_no_values(void **state)
{
	const char *const texts[] = {
		"",
		" ",
		"{",
		"}",
		"{\"path\":\"/a\"",
		"{\"path\":\"/a\"}}",
		"{\"path\":\"/a\"} x",
		"{\"path\":\"/a\"}{\"path\":\"/b\"}",
		"{\"path\":'/a'}",
		"{path:\"/a\"}",
		"{\"path\":\"/a\",}",
		"{\"path\":\"/a\"} // x",
		"{/**/\"path\":\"/a\"}",
		"{\"path\":\"/a\n\"}",
		"{\"path\":\"/a\\x\"}",
		"{\"path\":\"\\u00g0\"}",
		"{\"path\":\"/a\",\"x\":NaN}",
		"{\"path\":\"/a\",\"x\":01}",
		"[\"path\",\"/a\"]",
		"\"path\"",
		"5",
		"null",
		"true",
		"{\"path\" \"/a\"}",
		"{\"path\":\"/a",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		expect(texts[i], "path", "json");
}

static void nesting_has_a_bound(void **state)
{
	_cleanup_buf_ struct buf json = { 0 };

	for (unsigned depth = POLICY_ARGUMENT_DEPTH_MAX - 2; depth < 3000000; depth *= 30) {
		buf_reset(&json, 0);
		assert_int_equal(buf_append_str(&json, "{\"path\":\"/a\",\"x\":"), 0);
		for (unsigned i = 0; i < depth; i++)
			assert_int_equal(buf_append(&json, "[", 1), 0);
		for (unsigned i = 0; i < depth; i++)
			assert_int_equal(buf_append(&json, "]", 1), 0);
		assert_int_equal(buf_append(&json, "}", 1), 0);
		expect_bytes((const char *)buf_bytes(&json), buf_size(&json), "path",
			     depth < POLICY_ARGUMENT_DEPTH_MAX ? "/a" : "json");
	}
}

static void arrays_have_a_bound(void **state)
{
	struct policy_argument argument = { .name = "path", .name_size = 4 };
	_cleanup_buf_ struct buf json = { 0 };

	assert_int_equal(buf_append_str(&json, "{\"path\":[\"/0\""), 0);
	for (int i = 1; i < 300000; i++)
		assert_int_equal(buf_printf(&json, ",\"/%d\"", i), 0);
	assert_int_equal(buf_append_str(&json, "]}"), 0);
	assert_int_equal(policy_arguments_read((const char *)buf_bytes(&json), buf_size(&json),
					       &argument, 1),
			 0);
	assert_int_equal(argument.why, POLICY_GRANT_OK);
	assert_int_equal(argument.count, POLICY_GRANT_ENTRIES_MAX);
	assert_true(argument.more);
	policy_arguments_free(&argument, 1);
}

static void long_strings_are_told(void **state)
{
	_cleanup_buf_ struct buf json = { 0 };

	assert_int_equal(buf_append_str(&json, "{\"path\":\""), 0);
	for (int i = 0; i <= POLICY_ARGUMENT_BYTES_MAX; i++)
		assert_int_equal(buf_append(&json, "a", 1), 0);
	assert_int_equal(buf_append_str(&json, "\"}"), 0);
	expect_bytes((const char *)buf_bytes(&json), buf_size(&json), "path", "long");
}

static void several_names_are_read_at_once(void **state)
{
	const char *json = "{\"b\":{\"c\":[\"2\"]},\"a\":\"1\",\"A\":0,\"d\":\"3\"}";
	struct policy_argument arguments[] = { { .name = "a", .name_size = 1 },
					       { .name = "b.c", .name_size = 3 },
					       { .name = "d", .name_size = 1 },
					       { .name = "e", .name_size = 1 } };

	assert_int_equal(policy_arguments_read(json, strlen(json), arguments, 4), 0);
	assert_int_equal(arguments[0].why, POLICY_GRANT_JSON);
	assert_int_equal(arguments[1].why, POLICY_GRANT_OK);
	assert_string_equal(arguments[1].values[0].bytes, "2");
	assert_string_equal(arguments[2].values[0].bytes, "3");
	assert_int_equal(arguments[3].why, POLICY_GRANT_ABSENT);
	policy_arguments_free(arguments, 4);
}

static void names_with_too_many_members_have_no_value(void **state)
{
	char name[2 * POLICY_ARGUMENT_MEMBERS_MAX + 2];

	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = i % 2 ? '.' : 'a';
	name[sizeof(name) - 1] = '\0';
	expect("{\"a\":{\"a\":\"/no\"}}", name, "json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_string_is_its_value),
		cmocka_unit_test(each_string_of_an_array_is_a_value),
		cmocka_unit_test(a_member_of_a_member_is_reached_by_dots),
		cmocka_unit_test(a_dot_in_a_key_leads_nowhere),
		cmocka_unit_test(nothing_is_absent),
		cmocka_unit_test(what_is_no_string_has_no_value),
		cmocka_unit_test(an_empty_string_is_told),
		cmocka_unit_test(a_nul_is_told),
		cmocka_unit_test(a_key_that_is_there_twice_has_no_value),
		cmocka_unit_test(another_key_that_is_there_twice_does_not_matter),
		cmocka_unit_test(a_key_in_another_case_is_the_same_to_some),
		cmocka_unit_test(look_alikes_are_other_keys),
		cmocka_unit_test(bytes_that_are_no_utf8_make_it_unreadable),
		cmocka_unit_test(half_a_surrogate_pair_makes_it_unreadable),
		cmocka_unit_test(what_is_no_json_object_has_no_values),
		cmocka_unit_test(nesting_has_a_bound),
		cmocka_unit_test(arrays_have_a_bound),
		cmocka_unit_test(long_strings_are_told),
		cmocka_unit_test(several_names_are_read_at_once),
		cmocka_unit_test(names_with_too_many_members_have_no_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
