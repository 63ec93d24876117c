/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/entries.h"

static uint8_t bytes[MF_JOURNAL_PACKET];

static struct mcp_text text(size_t size)
{
	return (struct mcp_text){ bytes, size };
}

static void the_largest_request_fits_a_packet(void **state)
{
	struct mcp_message message = {
		.id.raw = text(MF_ID_MAX),
		.tool = text(MF_TOOL_MAX),
		.args = text(MF_ARGS_MAX),
		.args_total = MF_ARGS_MAX,
		.traceparent = text(MCP_TRACE_MAX),
		.method_text = text(MCP_METHOD_MAX),
	};
	struct entry_begin begin = { .kind = MF_J_BEGIN, .message = &message };
	_cleanup_buf_ struct buf out = { 0 };
	const struct mf_journal_entry *head;
	const struct mf_j_begin *body;

	assert_int_equal(entry_begin(&begin, &out), 0);
	assert_in_range(buf_size(&out), 1, MF_JOURNAL_PACKET);
	head = (const void *)buf_bytes(&out);
	body = (const void *)(head + 1);
	assert_int_equal(head->size, buf_size(&out));
	assert_int_equal(head->size % 8, 0);
	assert_int_equal(body->id_len, MF_ID_MAX);
	assert_true(body->args_len < MF_ARGS_MAX);
	assert_true(body->flags & MF_JF_ARGS_CUT);
	assert_int_equal(body->args_total, MF_ARGS_MAX);
}

static void digest_only_withholds_arguments_and_text(void **state)
{
	struct mcp_message message = { .args = text(10), .args_total = 10 };
	struct entry_begin begin = { .kind = MF_J_BEGIN, .message = &message, .digest_only = true };
	struct pending_request request = { .answer = { .text = bytes, .text_size = 10 } };
	_cleanup_buf_ struct buf out = { 0 };
	const struct mf_j_begin *body;
	const struct mf_j_end *end;

	assert_int_equal(entry_begin(&begin, &out), 0);
	body = (const void *)(buf_bytes(&out) + sizeof(struct mf_journal_entry));
	assert_int_equal(body->args_len, 0);
	assert_int_equal(body->flags, MF_JF_DIGEST_ONLY);
	assert_int_equal(entry_end(&request, 1, 2, false, true, &out), 0);
	end = (const void *)(buf_bytes(&out) + sizeof(struct mf_journal_entry));
	assert_int_equal(end->text_len, 0);
	assert_int_equal(end->flags, MF_JF_DIGEST_ONLY);
}

static void an_entry_is_padded_with_zeros(void **state)
{
	struct mcp_tool tool = { .name = text(3) };
	_cleanup_buf_ struct buf out = { 0 };

	memset(bytes, 'n', 3);
	assert_int_equal(entry_tool(&tool, 1, 2, &out), 0);
	assert_int_equal(buf_size(&out), 32 + 40 + 8);
	assert_memory_equal(buf_bytes(&out) + 72, "nnn\0\0\0\0\0", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_request_fits_a_packet),
		cmocka_unit_test(digest_only_withholds_arguments_and_text),
		cmocka_unit_test(an_entry_is_padded_with_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
