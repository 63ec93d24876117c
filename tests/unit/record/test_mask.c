/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <yajl/yajl_tree.h>

#include "record/mask.h"

static void free_tree(yajl_val *tree)
{
	yajl_tree_free(*tree);
}

static char *text_of(struct buf *buf)
{
	assert_int_equal(buf_append(buf, "", 1), 0);
	return (char *)buf_bytes(buf);
}

static void expect_json(const char *json, const char *want)
{
	_cleanup_buf_ struct buf out = { 0 };
	_cleanup_(free_tree) yajl_val tree = NULL;
	bool masked = false;

	assert_int_equal(mask_json(&out, json, strlen(json), &masked), 0);
	assert_string_equal(text_of(&out), want);
	assert_int_equal(masked, strstr(want, MASKED) != NULL);
	tree = yajl_tree_parse((const char *)buf_bytes(&out), NULL, 0);
	assert_non_null(tree);
}

static void expect_text(const char *text, const char *want)
{
	_cleanup_buf_ struct buf out = { 0 };
	bool masked = false;

	assert_int_equal(mask_text(&out, text, strlen(text), &masked), 0);
	assert_string_equal(text_of(&out), want);
	assert_int_equal(masked, strstr(want, MASKED) != NULL);
}

static void arguments_without_secrets_stay_byte_for_byte(void **state)
{
	static const char *const same[] = {
		"{}",
		"[]",
		"7",
		"-1.50e+3",
		"\"\"",
		"null",
		"{\"path\":\"/x\",\"n\":[1, 2,{}]}",
		"{\"a\":\"\\u0031\\n\\\"\\\\\"}",
		"{\"max_tokens\":5,\"tokens\":\"x\"}",
		"{\"text\":\"a task-oriented disk-usage\"}",
		"9007199254740993",
	};

	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		expect_json(same[i], same[i]);
}

static void values_are_masked_by_their_key_at_any_depth(void **state)
{
	expect_json("{\"api_key\":\"x\"}", "{\"api_key\":\"[masked]\"}");
	expect_json("{\"API-Key\":5}", "{\"API-Key\":\"[masked]\"}");
	expect_json("{\"h\":{\"Authorization\":\"y\"},\"b\":1}",
		    "{\"h\":{\"Authorization\":\"[masked]\"},\"b\":1}");
	expect_json("{\"password\":[\"a\",{\"b\":true}],\"c\":\"d\"}",
		    "{\"password\":[\"[masked]\",{\"b\":\"[masked]\"}],\"c\":\"d\"}");
	expect_json("{\"client_secret\" : null , \"k\":2}",
		    "{\"client_secret\" : \"[masked]\" , \"k\":2}");
	expect_json("{\"GITHUB_TOKEN\":\"q\"}", "{\"GITHUB_TOKEN\":\"[masked]\"}");
	expect_json("{\"api\\u005fkey\":\"x\"}", "{\"api\\u005fkey\":\"[masked]\"}");
	expect_json("{\"\\u0061pi_key\":\"x\"}", "{\"\\u0061pi_key\":\"[masked]\"}");
}

static void values_are_masked_by_their_shape(void **state)
{
	expect_text("curl -H Authorization: Bearer abcdefgh12345",
		    "curl -H Authorization: [masked]");
	expect_text("see Bearer abcdefgh12345 there", "see Bearer [masked] there");
	expect_text("sk-abcdefghijklmnopqrstuvwxyz", "[masked]");
	expect_text("x ghp_0123456789abcdefghij0123 y", "x [masked] y");
	expect_text("AKIAIOSFODNN7EXAMPLE0", "[masked]");
	expect_text("t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "t=[masked]");
	expect_text("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nok",
		    "[masked]\nok");
	expect_text("psql postgres://joe:pw@db/x", "psql postgres://[masked]@db/x");
	expect_text("--password=hunter2", "--password=[masked]");
	expect_text("{\"api_key\": \"v\", \"b\": 1}", "{\"api_key\": \"[masked]\", \"b\": 1}");
}

static void harmless_text_stays(void **state)
{
	static const char *const same[] = {
		"/srv/risk-assessment-report-of-2024.txt",
		"https://example.test/a?b=c",
		"the password was changed",
		"key=value",
		"mailto:joe@example.test",
		"",
		"=",
		":",
		"\"",
	};

	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		expect_text(same[i], same[i]);
}

static void masking_inside_json_never_breaks_an_escape(void **state)
{
	expect_json("{\"c\":\"a\\nghp_0123456789abcdefghij0123\\n\"}",
		    "{\"c\":\"a\\n[masked]\\n\"}");
	expect_json("{\"c\":\"x \\\"password\\\": \\\"hunter2\\\"\"}",
		    "{\"c\":\"x \\\"password\\\": \\\"[masked]\\\"\"}");
	expect_json("{\"c\":\"\\npm_0123456789abcdefghijABCDEFGHIJ0123\"}",
		    "{\"c\":\"\\npm_0123456789abcdefghijABCDEFGHIJ0123\"}");
}

static void json_within_a_string_is_masked_as_json(void **state)
{
	expect_json("{\"b\":\"{\\\"password\\\":\\\"x\\\",\\\"n\\\":1}\"}",
		    "{\"b\":\"{\\\"password\\\":\\\"[masked]\\\",\\\"n\\\":1}\"}");
	expect_json("{\"b\":\"{\\\\\\\"token\\\\\\\":\\\\\\\"x\\\\\\\"}\"}",
		    "{\"b\":\"{\\\\\\\"token\\\\\\\":\\\\\\\"[masked]\\\\\\\"}\"}");
	expect_text("{\"password\":\"a\\\"b\",\"n\":1}", "{\"password\":\"[masked]\",\"n\":1}");
}

static void lines_within_a_string_are_lines(void **state)
{
	expect_json("{\"e\":\"API_KEY=x\\npassword: y z\\nok\"}",
		    "{\"e\":\"API_KEY=[masked]\\npassword: [masked]\\nok\"}");
	expect_json("{\"e\":\"password=a\\\\new b\"}", "{\"e\":\"password=[masked] b\"}");
	expect_json("{\"e\":\"password=a\\\\\"}", "{\"e\":\"password=[masked]\"}");
}

static void an_option_says_that_what_follows_is_secret(void **state)
{
	expect_json("[\"x\",\"--api-token\", \"-s3\", \"y\"]",
		    "[\"x\",\"--api-token\", \"[masked]\", \"y\"]");
	expect_json("[\"--password\",\"--verbose\"]", "[\"--password\",\"--verbose\"]");
	expect_json("[\"--password\",7,8]", "[\"--password\",\"[masked]\",8]");
	expect_text("x --api-token s3 y", "x --api-token [masked] y");
	expect_text("x --password \"s 3\" y", "x --password \"[masked]\" y");
	expect_text("x --password --verbose", "x --password --verbose");
}

static void a_pair_of_name_and_value_is_masked_by_its_name(void **state)
{
	expect_json(
		"[{\"name\":\"Authorization\",\"value\":\"x\"},{\"name\":\"b\",\"value\":\"y\"}]",
		"[{\"name\":\"Authorization\",\"value\":\"[masked]\"},{\"name\":\"b\",\"value\":"
		"\"y\"}]");
}

static void a_cookie_is_masked_to_the_end_of_its_line(void **state)
{
	expect_text("Cookie: a=b; c=d\nok", "Cookie: [masked]\nok");
}

static void whatever_is_masked_the_result_is_json(void **state)
{
	static const char *const words[] = { "\\\"",	"\\\\", "password", "=",
					     ":",	"\\n",	" ",	    "--token",
					     ";",	"'",	"x",	    "cookie",
					     ",",	"://",	"@",	    "Bearer abcdefgh",
					     "\\u0022", "&" };
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		_cleanup_buf_ struct buf out = { 0 };
		_cleanup_(free_tree) yajl_val tree = NULL;
		char json[300] = "{\"c\":\"";
		bool masked = false;

		for (int i = 0; i < 12; i++) {
			seed = seed * 1103515245 + 12345;
			strcat(json, words[(seed >> 16) % ARRAY_LEN(words)]);
		}
		strcat(json, "\"}");
		assert_int_equal(mask_json(&out, json, strlen(json), &masked), 0);
		tree = yajl_tree_parse(text_of(&out), NULL, 0);
		if (!tree)
			fail_msg("%s became %s", json, (const char *)buf_bytes(&out));
	}
}

static void what_is_no_json_value_is_refused(void **state)
{
	static const char *const bad[] = { "",	     "{",	 "{}x",	     "{} {}",	 "nul",
					   "'a'",    "\"\xff\"", "\"a\nb\"", "{\"a\":}", "2\"read{",
					   "{} \"x", "[]tru",	 "truefal",  "2-" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_buf_ struct buf out = { 0 };
		bool masked = false;

		assert_int_equal(mask_json(&out, bad[i], strlen(bad[i]), &masked), -EBADMSG);
	}
}

static void what_is_nested_too_deeply_is_refused(void **state)
{
	_cleanup_buf_ struct buf out = { 0 };
	char deep[2 * MASK_DEPTH_MAX + 2];
	bool masked = false;

	memset(deep, '[', MASK_DEPTH_MAX + 1);
	memset(deep + MASK_DEPTH_MAX + 1, ']', MASK_DEPTH_MAX + 1);
	assert_int_equal(mask_json(&out, deep, sizeof(deep), &masked), -E2BIG);
	assert_int_equal(mask_json(&out, deep + 1, sizeof(deep) - 2, &masked), 0);
}

static void the_result_is_one_line_without_hidden_characters(void **state)
{
	expect_json("{\n\t\"a\":\"\u202e\u2028x\"}", "{  \"a\":\"\\u202e\\u2028x\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_without_secrets_stay_byte_for_byte),
		cmocka_unit_test(values_are_masked_by_their_key_at_any_depth),
		cmocka_unit_test(values_are_masked_by_their_shape),
		cmocka_unit_test(harmless_text_stays),
		cmocka_unit_test(masking_inside_json_never_breaks_an_escape),
		cmocka_unit_test(json_within_a_string_is_masked_as_json),
		cmocka_unit_test(lines_within_a_string_are_lines),
		cmocka_unit_test(an_option_says_that_what_follows_is_secret),
		cmocka_unit_test(a_pair_of_name_and_value_is_masked_by_its_name),
		cmocka_unit_test(a_cookie_is_masked_to_the_end_of_its_line),
		cmocka_unit_test(whatever_is_masked_the_result_is_json),
		cmocka_unit_test(what_is_no_json_value_is_refused),
		cmocka_unit_test(what_is_nested_too_deeply_is_refused),
		cmocka_unit_test(the_result_is_one_line_without_hidden_characters),
	};

	return cmocka_run_group_tests_name("mask", tests, NULL, NULL);
}
