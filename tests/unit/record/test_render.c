/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "record/render.h"

static const struct render_style style;

static char *text_of(struct buf *buf)
{
	assert_int_equal(buf_append(buf, "", 1), 0);
	return (char *)buf_bytes(buf);
}

static void expect_shown(const char *json, const char *want)
{
	const struct json_text record = { json, strlen(json) };
	_cleanup_buf_ struct buf out = { 0 };

	assert_int_equal(render_record(&out, &style, &record, NULL, 0), 0);
	if (!strstr(text_of(&out), want))
		fail_msg("no '%s' in:\n%s", want, (const char *)buf_bytes(&out));
}

static void expect_listed(const char *json, const char *want)
{
	const struct log_entry entry = { .type = LOG_REQUEST, .json = json, .size = strlen(json) };
	_cleanup_buf_ struct buf out = { 0 };

	assert_int_equal(render_list_row(&out, &style, &entry), 0);
	if (!strstr(text_of(&out), want))
		fail_msg("no '%s' in:\n%s", want, (const char *)buf_bytes(&out));
}

static void a_nul_hides_nothing_behind_it(void **state)
{
	const char *json = "{\"req_id\":\"a\\u0000b\",\"tool\":\"read\\u0000evil\",\"end\":"
			   "\"response\",\"app_log\":{\"outcome\":\"completed successfully\","
			   "\"text\":\"fine \\\\u0000\\u0000 but not\"}}";
	const struct json_text record = { json, strlen(json) };

	(void)state;
	expect_shown(json, "read␀evil");
	expect_shown(json, "fine \\\\u0000␀ but not");
	expect_listed(json, "a␀b ");
	expect_listed(json, "read␀evil ");
	assert_int_equal(record_has_id(&record, "a"), 0);
}

static void the_objects_of_all_kinds_stand_in_one_column(void **state)
{
	const char *json = "{\"events\":[{\"kind\":\"open\",\"path\":\"/a\"},"
			   "{\"kind\":\"unix-connect\",\"path\":\"/b\"}]}";

	(void)state;
	expect_shown(json, "  open         /a ");
	expect_shown(json, "  unix-connect /b ");
	expect_shown("{\"events\":[{\"kind\":\"open-exec\",\"path\":\"/a\"}]}", "  open-exec /a ");
}

static void names_of_other_bytes_are_shown_differently(void **state)
{
	(void)state;
	expect_shown("{\"events\":[{\"kind\":\"open\",\"path\":\"/\\\\xff\",\"escaped\":true}]}",
		     "open      /\\xff ");
	expect_shown(
		"{\"events\":[{\"kind\":\"open\",\"path\":\"/\\\\\\\\xff\",\"escaped\":true}]}",
		"open      /\\\\xff ");
	expect_shown("{\"events\":[{\"kind\":\"open\",\"path\":\"/\\\\xff\"}]}",
		     "open      /\\\\xff ");
	expect_shown(
		"{\"events\":[{\"kind\":\"open\",\"path\":\"/\\u001b\\\\xff\",\"escaped\":true}]}",
		"open      /\\x1b\\xff ");
}

static void where_an_argument_ends_can_be_told(void **state)
{
	(void)state;
	expect_shown(
		"{\"events\":[{\"kind\":\"exec\",\"exe\":\"/x\",\"argv\":[\"x\",\"a\\\" \\\"b\","
		"\"\",\"c\\\\\"]}]}",
		"/x  x \"a\\\" \\\"b\" \"\" c\\\\");
}

static void ids_are_escaped_once(void **state)
{
	(void)state;
	expect_listed("{\"req_id\":\"i\\u001b[2J\"}", " i\\x1b[2J ");
}

static void a_long_text_is_cut_between_characters(void **state)
{
	char json[600];
	char reply[330];

	(void)state;
	memset(reply, 'a', 159);
	strcpy(reply + 159, "éz");
	snprintf(json, sizeof(json), "{\"end\":\"response\",\"app_log\":{\"text\":\"%s\"}}", reply);
	expect_shown(json, "aaa…\n");
}

static void what_no_count_names_is_not_nothing(void **state)
{
	(void)state;
	expect_listed("{\"summary\":{\"alerts\":0,\"hosts\":[],\"events\":2}}", "2 other events\n");
	expect_listed("{\"summary\":{\"alerts\":0,\"hosts\":[],\"events\":0}}", "nothing\n");
	expect_listed("{\"summary\":{\"hosts\":[],\"listens\":[\"0.0.0.0:4444\"],\"events\":2}}",
		      "listens on 0.0.0.0:4444\n");
	expect_listed("{\"summary\":{\"files_read\":1,\"hosts\":[],\"events\":3}}",
		      "1 file read\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_objects_of_all_kinds_stand_in_one_column),
		cmocka_unit_test(a_nul_hides_nothing_behind_it),
		cmocka_unit_test(names_of_other_bytes_are_shown_differently),
		cmocka_unit_test(where_an_argument_ends_can_be_told),
		cmocka_unit_test(ids_are_escaped_once),
		cmocka_unit_test(a_long_text_is_cut_between_characters),
		cmocka_unit_test(what_no_count_names_is_not_nothing),
	};

	return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
