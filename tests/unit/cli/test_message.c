/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/message.h"

static int read_text(const char *line, struct message *ret_message)
{
	return message_read(line, strlen(line), ret_message);
}

static void assert_line(const struct buf *out, const char *expected)
{
	assert_int_equal(buf_size(out), strlen(expected));
	assert_memory_equal(buf_bytes(out), expected, strlen(expected));
}

static void an_answer_is_known_by_its_string_id(void **state)
{
	_cleanup_message_ struct message message = { 0 };

	assert_int_equal(read_text("{\"result\":{},\"id\":\"req-1\"}", &message), 0);
	assert_int_equal(message.kind, MESSAGE_RESULT);
	assert_true(message_answers(&message, "req-1"));
	assert_false(message_answers(&message, "req-2"));
}

static void a_number_is_not_the_string_of_its_digits(void **state)
{
	_cleanup_message_ struct message message = { 0 };

	assert_int_equal(read_text("{\"id\":1,\"result\":{}}", &message), 0);
	assert_false(message_answers(&message, "1"));
}

static void a_request_with_our_id_is_no_answer(void **state)
{
	_cleanup_message_ struct message message = { 0 };

	assert_int_equal(read_text("{\"id\":\"a\",\"method\":\"ping\",\"result\":1}", &message), 0);
	assert_int_equal(message.kind, MESSAGE_REQUEST);
	assert_false(message_answers(&message, "a"));
}

static void what_is_no_message_is_refused(void **state)
{
	static const char *const lines[] = { "",     "x",    "[]",	   "{}",
					     "null", "\"\"", "{\"id\":1}", "{\"a\":" };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct message message;

		assert_int_equal(read_text(lines[i], &message), -EBADMSG);
	}
}

static void a_nul_byte_is_refused(void **state)
{
	static const char line[] = "{\"result\":{},\"id\":\"a\"}\0{";
	struct message message;

	assert_int_equal(message_read(line, sizeof(line) - 1, &message), -EBADMSG);
}

static void text_behind_an_escaped_nul_is_not_hidden(void **state)
{
	_cleanup_message_ struct message message = { 0 };

	assert_int_equal(read_text("{\"id\":\"a\",\"result\":{\"text\":\"x\\u0000y\"}}", &message),
			 0);
	assert_string_equal(message_text(message.body, "text"), "x␀y");
}

static void deep_nesting_is_refused_before_it_costs_the_stack(void **state)
{
	static char line[2000000] = "{\"id\":\"a\",\"result\":";
	size_t start = strlen(line);
	struct message message;

	memset(line + start, '[', sizeof(line) - start - 1);
	assert_int_equal(read_text(line, &message), -EBADMSG);
}

static void brackets_in_strings_do_not_count_as_depth(void **state)
{
	_cleanup_message_ struct message message = { 0 };
	char line[4096] = "{\"id\":\"a\",\"result\":\"\\\"";

	memset(line + strlen(line), '[', 2000);
	strcat(line, "\"}");
	assert_int_equal(read_text(line, &message), 0);
}

static void arguments_must_be_one_object(void **state)
{
	static const char *const wrong[] = { "", "[]", "1", "{", "{} {}", "{'a':1}", "{\"a\":1}x" };
	char *why = NULL;

	assert_int_equal(message_check_arguments("{\"a\":[1,2.50,\"x\"]}", &why), 0);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		why = NULL;
		assert_int_equal(message_check_arguments(wrong[i], &why), -EINVAL);
		assert_non_null(why);
		assert_null(strchr(why, '\n'));
		free(why);
	}
}

static void arguments_are_sent_as_they_were_written(void **state)
{
	const struct message_request request = {
		.id = "req-1",
		.method = "tools/call",
		.tool = "t",
		.arguments = "{\"n\":1.50, \"big\":12345678901234567890}"
	};
	_cleanup_buf_ struct buf out = { 0 };

	assert_int_equal(message_write_request(&out, &request), 0);
	assert_line(&out,
		    "{\"jsonrpc\":\"2.0\",\"id\":\"req-1\",\"method\":\"tools/call\",\"params\":{"
		    "\"name\":\"t\",\"arguments\":{\"n\":1.50, \"big\":12345678901234567890}}}\n");
}

static void arguments_over_several_lines_are_sent_as_one(void **state)
{
	const struct message_request request = {
		.id = "a", .method = "tools/call", .tool = "t", .arguments = "{\n\"a\":\r\n1}"
	};
	_cleanup_buf_ struct buf out = { 0 };

	assert_int_equal(message_write_request(&out, &request), 0);
	assert_ptr_equal(memchr(buf_bytes(&out), '\n', buf_size(&out)),
			 buf_bytes(&out) + buf_size(&out) - 1);
}

static void a_stateless_request_says_who_asks(void **state)
{
	const struct message_request request = { .id = "a",
						 .method = "tools/list",
						 .stateless = true };
	_cleanup_buf_ struct buf out = { 0 };

	assert_int_equal(message_write_request(&out, &request), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	assert_non_null(strstr((const char *)buf_bytes(&out),
			       "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\""));
	assert_non_null(strstr((const char *)buf_bytes(&out),
			       "\"io.modelcontextprotocol/clientCapabilities\":{}"));
}

static void a_ping_is_answered_with_its_own_id(void **state)
{
	_cleanup_message_ struct message message = { 0 };
	_cleanup_buf_ struct buf out = { 0 };

	assert_int_equal(read_text("{\"id\":7,\"method\":\"ping\"}", &message), 0);
	assert_int_equal(message_write_answer(&out, &message), 0);
	assert_line(&out, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n");
}

static void sampling_is_refused(void **state)
{
	_cleanup_message_ struct message message = { 0 };
	_cleanup_buf_ struct buf out = { 0 };

	assert_int_equal(
		read_text("{\"id\":\"s\",\"method\":\"sampling/createMessage\"}", &message), 0);
	assert_int_equal(message_write_answer(&out, &message), 0);
	assert_line(&out,
		    "{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"error\":{\"code\":-32601,\"message\":"
		    "\"this client offers no such method\"}}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_known_by_its_string_id),
		cmocka_unit_test(a_number_is_not_the_string_of_its_digits),
		cmocka_unit_test(a_request_with_our_id_is_no_answer),
		cmocka_unit_test(what_is_no_message_is_refused),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(text_behind_an_escaped_nul_is_not_hidden),
		cmocka_unit_test(deep_nesting_is_refused_before_it_costs_the_stack),
		cmocka_unit_test(brackets_in_strings_do_not_count_as_depth),
		cmocka_unit_test(arguments_must_be_one_object),
		cmocka_unit_test(arguments_are_sent_as_they_were_written),
		cmocka_unit_test(arguments_over_several_lines_are_sent_as_one),
		cmocka_unit_test(a_stateless_request_says_who_asks),
		cmocka_unit_test(a_ping_is_answered_with_its_own_id),
		cmocka_unit_test(sampling_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
