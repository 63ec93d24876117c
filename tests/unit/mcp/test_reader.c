/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sodium.h>

#include "base/buf.h"
#include "mcp/reader.h"

static struct mcp_reader *reader;

static int setup(void **state)
{
	return mcp_reader_new(&reader);
}

static int teardown(void **state)
{
	mcp_reader_free(&reader);
	return 0;
}

static struct mcp_line read_in(const char *text, size_t size, size_t piece)
{
	struct mcp_line line;

	for (size_t at = 0; at < size; at += piece)
		mcp_reader_feed(reader, (const uint8_t *)text + at,
				size - at < piece ? size - at : piece);
	mcp_reader_finish(reader, &line);
	return line;
}

static const struct mcp_message *read_one(const char *text)
{
	struct mcp_line line = read_in(text, strlen(text), SIZE_MAX / 2);

	assert_int_equal(line.state, MCP_LINE_READ);
	assert_int_equal(line.count, 1);
	return &line.messages[0];
}

#define assert_text(text, literal)                                      \
	do {                                                            \
		assert_int_equal((text).size, sizeof(literal) - 1);     \
		assert_memory_equal((text).data, literal, (text).size); \
	} while (0)

static void a_call_is_read_in_whatever_pieces_it_comes(void **state)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\", \"params\" : { \"arguments\" :\t{\"p\": "
				   "\"\\u00e4\", \"id\":9} ,"
				   "\"name\":\"re\\u0061d\",\"_meta\":{\"traceparent\":\"00-1\"}},"
				   "\"id\" : \"r-\\u0031\" ,"
				   "\"method\":\"tools/call\"}";
	static const char args[] = "{\"p\": \"\\u00e4\", \"id\":9}";
	uint8_t sha256[32];

	crypto_hash_sha256(sha256, (const uint8_t *)args, sizeof(args) - 1);
	for (size_t piece = 1; piece <= sizeof(text); piece++) {
		struct mcp_line line = read_in(text, sizeof(text) - 1, piece);
		const struct mcp_message *message = line.messages;

		assert_int_equal(line.state, MCP_LINE_READ);
		assert_int_equal(line.count, 1);
		assert_int_equal(message->method, MF_M_TOOLS_CALL);
		assert_int_equal(message->flags, 0);
		assert_text(message->id.raw, "\"r-\\u0031\"");
		assert_text(message->id.text, "r-1");
		assert_text(message->tool, "read");
		assert_text(message->args, args);
		assert_memory_equal(message->args_sha256, sha256, 32);
		assert_text(message->traceparent, "00-1");
	}
}

static void ids_are_kept_as_written(void **state)
{
	static const struct {
		const char *text;
		enum mcp_id_kind kind;
		const char *raw;
	} rows[] = {
		{ "{\"id\":0}", MCP_ID_NUMBER, "0" },
		{ "{\"id\" : -1.50e+3 }", MCP_ID_NUMBER, "-1.50e+3" },
		{ "{\"id\":\"\"}", MCP_ID_STRING, "\"\"" },
		{ "{\"id\":null}", MCP_ID_NULL, "null" },
		{ "{\"id\":true}", MCP_ID_OTHER, "true" },
		{ "{\"id\":{\"id\":1}}", MCP_ID_OTHER, "{\"id\":1}" },
		{ "{\"id\":[1,[2]],\"x\":1}", MCP_ID_OTHER, "[1,[2]]" },
		{ "{\"x\":{\"id\":1}}", MCP_ID_MISSING, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct mcp_message *message = read_one(rows[i].text);

		assert_int_equal(message->id.kind, rows[i].kind);
		assert_int_equal(message->id.raw.size, strlen(rows[i].raw));
		assert_memory_equal(message->id.raw.data, rows[i].raw, strlen(rows[i].raw));
	}
}

static void lines_that_are_no_json_are_unreadable(void **state)
{
	static const char *const rows[] = { "{",	"}",	"{\"id\":1}x",	  "banner",
					    "{\"a\":}", "\xff", "\xef\xbb\xbf{}", "[1",
					    "\"\\x\"",	"nul" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(read_in(rows[i], strlen(rows[i]), 100).state, MCP_LINE_UNREADABLE);
	assert_int_equal(read_in("", 0, 1).state, MCP_LINE_EMPTY);
	assert_int_equal(read_in(" \t\r", 3, 1).state, MCP_LINE_EMPTY);
	assert_int_equal(read_in("{}\r", 3, 1).state, MCP_LINE_READ);
}

static void invalid_utf8_in_a_string_is_read_and_flagged(void **state)
{
	static const char text[] = "{\"method\":\"tools/call\",\"params\":{\"name\":\"\xff\"}}";
	struct mcp_line line = read_in(text, sizeof(text) - 1, 7);

	assert_int_equal(line.state, MCP_LINE_READ);
	assert_true(line.bad_utf8);
	assert_text(line.messages[0].tool, "\xff");
}

static void of_equal_keys_the_last_exact_one_counts_and_the_message_is_flagged(void **state)
{
	const struct mcp_message *message =
		read_one("{\"method\":\"tools/call\",\"id\":1,\"ID\":2,\"params\":{\"name\":\"a\","
			 "\"NAME\":\"b\"}}");

	assert_int_equal(message->flags, MF_JF_DUP_KEYS);
	assert_text(message->id.raw, "1");
	assert_text(message->tool, "a");
	message =
		read_one("{\"method\":\"tools/call\",\"params\":{\"name\":\"a\",\"arguments\":{}},"
			 "\"params\":{\"name\":\"b\"}}");
	assert_text(message->tool, "b");
	assert_int_equal(message->args.size, 0);
	message = read_one("{\"method\":\"tools/call\",\"method\":\"ping\"}");
	assert_int_equal(message->method, MF_M_TOOLS_CALL);
	assert_int_equal(message->flags, MF_JF_DUP_KEYS);
}

static void a_reply_tells_its_outcome_and_first_text(void **state)
{
	const struct mcp_message *message = read_one(
		"{\"result\":{\"content\":[{\"type\":\"image\"},{\"type\":\"text\",\"text\":"
		"\"one\"},{\"text\":\"two\"}],\"isError\":true},\"id\":7}");

	assert_true(mcp_is_reply(message));
	assert_true(message->is_error);
	assert_text(message->text, "one");
	message = read_one("{\"id\":7,\"error\":{\"code\":1,\"message\":\"no\"}}");
	assert_true(message->has_error);
	assert_text(message->text, "no");
	message = read_one("{\"id\":7,\"error\":null,\"result\":null}");
	assert_false(message->has_error);
	assert_true(message->has_result);
}

static void text_that_is_too_long_is_cut_between_characters(void **state)
{
	size_t size = 3 * MF_TEXT_MAX;
	char *text = malloc(size + 100);
	const struct mcp_message *message;
	int head = sprintf(text, "{\"id\":1,\"error\":{\"message\":\"x");

	for (size_t i = 0; i < size / 2; i++)
		memcpy(text + head + 2 * i, "\xc3\xa4", 2);
	strcpy(text + head + size, "\"}}");
	message = read_one(text);
	assert_int_equal(message->text.size, MF_TEXT_MAX - 1);
	assert_true(message->flags & MF_JF_TEXT_CUT);
	free(text);
}

static void the_id_behind_a_result_of_eight_megabytes_is_found(void **state)
{
	static const char head[] = "{\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"";
	static const char tail[] = "\\\"id\\\":8\"}]},\"id\":3}";
	static char text[(8 << 20) + sizeof(head) + sizeof(tail)];
	size_t size = 8 << 20;
	struct mcp_line line;

	memcpy(text, head, sizeof(head) - 1);
	memset(text + sizeof(head) - 1, 'x', size);
	memcpy(text + sizeof(head) - 1 + size, tail, sizeof(tail));
	line = read_in(text, strlen(text), 65536);
	assert_int_equal(line.state, MCP_LINE_READ);
	assert_text(line.messages[0].id.raw, "3");
	assert_int_equal(line.messages[0].text.size, MF_TEXT_MAX);
}

static void depth_is_bounded_by_a_stated_figure_only(void **state)
{
	size_t size = 3 << 20;
	char *text = malloc(size);
	struct mcp_line line;

	memset(text, '[', size);
	memset(text + 1000000, ']', 1000000);
	line = read_in(text, 2000000, 65536);
	assert_int_equal(line.state, MCP_LINE_READ);
	assert_int_equal(line.count, 0);
	memset(text, '[', size);
	assert_int_equal(read_in(text, size, 65536).state, MCP_LINE_UNREADABLE);
	free(text);
}

static void a_batch_holds_its_messages_up_to_a_bound(void **state)
{
	struct buf text = { 0 };
	struct mcp_line line = read_in("[{\"id\":1},{\"id\":2},3]", 21, 4);

	assert_int_equal(line.count, 2);
	assert_true(line.batch);
	assert_text(line.messages[1].id.raw, "2");
	assert_int_equal(line.messages[1].flags, MF_JF_BATCH);
	buf_append_str(&text, "[{}");
	for (int i = 0; i < 2000; i++)
		buf_append_str(&text, ",{\"method\":\"tools/call\"}");
	buf_append_str(&text, "]");
	line = read_in((const char *)buf_bytes(&text), buf_size(&text), 1000);
	assert_int_equal(line.state, MCP_LINE_READ);
	assert_int_equal(line.count, MCP_MESSAGES_MAX);
	assert_true(line.more);
	buf_free(&text);
}

static void tool_definitions_have_digests_and_hints(void **state)
{
	static const char first[] = "{\"name\":\"a\",\"annotations\":{\"readOnlyHint\":true,"
				    "\"openWorldHint\":false},\"inputSchema\":{\"name\":\"x\"}}";
	char text[300];
	uint8_t sha256[32];

	snprintf(text, sizeof(text), "{\"id\":1,\"result\":{\"tools\":[ %s ,{\"name\":\"b\"}]}}",
		 first);
	crypto_hash_sha256(sha256, (const uint8_t *)first, sizeof(first) - 1);
	for (size_t piece = 1; piece < 20; piece++) {
		struct mcp_line line = read_in(text, strlen(text), piece);
		const struct mcp_message *message = line.messages;

		assert_int_equal(message->tool_count, 2);
		assert_text(message->tools[0].name, "a");
		assert_memory_equal(message->tools[0].sha256, sha256, 32);
		assert_int_equal(message->tools[0].read_only, 2);
		assert_int_equal(message->tools[0].destructive, 0);
		assert_int_equal(message->tools[0].open_world, 1);
		assert_text(message->tools[1].name, "b");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_read_in_whatever_pieces_it_comes),
		cmocka_unit_test(ids_are_kept_as_written),
		cmocka_unit_test(lines_that_are_no_json_are_unreadable),
		cmocka_unit_test(invalid_utf8_in_a_string_is_read_and_flagged),
		cmocka_unit_test(
			of_equal_keys_the_last_exact_one_counts_and_the_message_is_flagged),
		cmocka_unit_test(a_reply_tells_its_outcome_and_first_text),
		cmocka_unit_test(text_that_is_too_long_is_cut_between_characters),
		cmocka_unit_test(the_id_behind_a_result_of_eight_megabytes_is_found),
		cmocka_unit_test(depth_is_bounded_by_a_stated_figure_only),
		cmocka_unit_test(a_batch_holds_its_messages_up_to_a_bound),
		cmocka_unit_test(tool_definitions_have_digests_and_hints),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
