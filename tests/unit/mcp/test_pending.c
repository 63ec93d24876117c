/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/pending.h"

#define S 1000000000ULL

static struct pending *table;

static int setup(void **state)
{
	return pending_new(&table);
}

static int teardown(void **state)
{
	pending_free(&table);
	return 0;
}

/* An id as the reader gives it; strings are given without escapes. */
static struct mcp_id id(const char *raw)
{
	struct mcp_text whole = { (const uint8_t *)raw, strlen(raw) };
	struct mcp_text inner = { whole.data + 1, whole.size - 2 };

	if (raw[0] == '"')
		return (struct mcp_id){ MCP_ID_STRING, whole, inner, whole.size };
	return (struct mcp_id){ MCP_ID_NUMBER, whole, whole, whole.size };
}

static struct pending_request *add(struct mcp_id key, uint64_t ordinal, uint64_t now_ns)
{
	struct pending_request *request;

	assert_int_equal(pending_add(table, &key, ordinal, now_ns, &request), 0);
	return request;
}

static struct pending_request *reply(const char *raw, uint16_t outcome, bool *ret_matched)
{
	struct pending_answer answer = { .outcome = outcome };
	struct mcp_id key = id(raw);

	return pending_reply(table, &key, &answer, ret_matched);
}

/* Checks ordinals of a list, and frees it. */
static void assert_ended(struct pending_request *ended, uint16_t end, size_t count)
{
	size_t found = 0;

	while (ended) {
		struct pending_request *next = ended->next_ended;

		assert_int_equal(ended->end, end);
		pending_request_free(ended);
		ended = next;
		found++;
	}
	assert_int_equal(found, count);
}

static void an_answer_ends_its_request_alone(void **state)
{
	struct pending_request *ended;
	bool matched;

	add(id("1"), 1, 0);
	add(id("\"1\""), 2, 0);
	ended = reply("\"1\"", MF_OUT_RESULT, &matched);
	assert_true(matched);
	assert_int_equal(ended->ordinal, 2);
	assert_int_equal(ended->flags, 0);
	assert_ended(ended, MF_END_RESPONSE, 1);
	assert_null(reply("\"1\"", MF_OUT_RESULT, &matched));
	assert_false(matched);
	assert_int_equal(pending_count(table), 1);
}

static void of_equal_ids_all_stay_until_all_are_answered(void **state)
{
	struct pending_request *ended;
	bool matched;

	for (uint64_t i = 1; i <= 3; i++)
		add(id("2"), i, 0);
	assert_null(reply("2", MF_OUT_RESULT, &matched));
	assert_true(matched);
	assert_null(reply("2", MF_OUT_RESULT, &matched));
	ended = reply("2", MF_OUT_RPC_ERROR, &matched);
	assert_non_null(ended);
	assert_int_equal(ended->flags, MF_JF_ID_SHARED);
	assert_int_equal(ended->answer.outcome, MF_OUT_UNREADABLE);
	assert_ended(ended, MF_END_RESPONSE, 3);
	assert_int_equal(pending_count(table), 0);
}

static void answers_that_write_an_id_as_one_request_did_go_to_that_one(void **state)
{
	struct pending_request *ended;
	bool matched;

	add(id("9007199254740993"), 1, 0);
	add(id("9007199254740992"), 2, 0);
	assert_null(reply("9007199254740992", MF_OUT_TOOL_ERROR, &matched));
	ended = reply("9007199254740993", MF_OUT_RESULT, &matched);
	for (struct pending_request *at = ended; at; at = at->next_ended)
		assert_int_equal(at->answer.outcome,
				 at->ordinal == 2 ? MF_OUT_TOOL_ERROR : MF_OUT_RESULT);
	assert_ended(ended, MF_END_RESPONSE, 2);
}

static void note(struct pending_request *request, void *data)
{
	*(uint64_t *)data += request->ordinal;
}

static void a_cancelled_request_waits_for_its_answer_five_minutes(void **state)
{
	struct mcp_id key = id("1");
	uint64_t cancelled = 0;
	bool matched;

	add(key, 1, 0);
	pending_cancel(table, &key, 10 * S, note, &cancelled);
	pending_cancel(table, &key, 20 * S, note, &cancelled);
	assert_int_equal(cancelled, 1);
	assert_int_equal(pending_deadline_ns(table), 310 * S);
	assert_null(pending_expire(table, 310 * S - 1));
	assert_ended(pending_expire(table, 310 * S), MF_END_CANCELLED, 1);
	add(key, 2, 0);
	pending_cancel(table, &key, 0, note, &cancelled);
	assert_ended(reply("1", MF_OUT_RESULT, &matched), MF_END_CANCELLED, 1);
}

static void each_kind_of_request_has_its_time(void **state)
{
	struct mcp_id missing = { MCP_ID_MISSING }, null = { MCP_ID_NULL };

	add(id("1"), 1, 0);
	assert_int_equal(add(missing, 2, 0)->flags, MF_JF_ID_MISSING);
	assert_int_equal(add(null, 3, 1)->flags, MF_JF_ID_NULL);
	assert_int_equal(pending_deadline_ns(table), 60 * S);
	assert_ended(pending_expire(table, 60 * S), MF_END_TIMEOUT, 1);
	assert_null(pending_expire(table, 60 * S));
	assert_ended(pending_expire(table, 61 * S), MF_END_TIMEOUT, 1);
	assert_int_equal(pending_deadline_ns(table), 3600 * S);
	assert_ended(pending_expire(table, 3600 * S), MF_END_TIMEOUT, 1);
	assert_int_equal(pending_deadline_ns(table), UINT64_MAX);
}

static void a_mate_that_leaves_takes_its_claim_along(void **state)
{
	struct pending_request *first = add(id("1"), 1, 0);
	bool matched;

	add(id("1"), 2, 0);
	assert_null(reply("1", MF_OUT_RESULT, &matched));
	/* one answer came, one request is left: it was its */
	assert_ended(pending_remove(table, first, MF_END_RESPONSE), MF_END_RESPONSE, 2);
}

static void an_over_long_line_gets_its_id_later(void **state)
{
	struct mcp_id missing = { MCP_ID_MISSING }, key = id("7");
	struct pending_request *request = add(missing, 1, 0);
	bool matched;

	assert_int_equal(pending_identify(table, request, &key, 5 * S), 0);
	assert_int_equal(request->flags, 0);
	assert_int_equal(pending_deadline_ns(table), 3605 * S);
	assert_int_equal(pending_identify(table, request, &key, 5 * S), -EALREADY);
	assert_ended(reply("7.0", MF_OUT_RESULT, &matched), MF_END_RESPONSE, 1);
}

static void a_task_ends_its_request_and_dies_with_it(void **state)
{
	struct mcp_text task = { (const uint8_t *)"t", 1 }, other = { (const uint8_t *)"u", 1 };
	struct pending_answer answer = { 0 };
	struct mcp_id key = id("1");
	bool matched;

	add(key, 1, 0);
	assert_int_equal(pending_task(table, &key, &task), 1);
	assert_int_equal(pending_task(table, &key, &other), 1);
	assert_ended(pending_task_end(table, &task, &answer, &matched), MF_END_TASK, 1);
	assert_true(matched);
	assert_null(pending_task_end(table, &other, &answer, &matched));
	assert_false(matched);
	assert_int_equal(pending_task(table, &key, &task), 0);
}

static void an_answer_is_awaited_to_what_has_an_id_and_was_not_cancelled(void **state)
{
	struct mcp_text task = { (const uint8_t *)"t", 1 };
	struct mcp_id none = { 0 }, one = id("1"), two = id("2");
	bool matched;

	assert_false(pending_awaited(table));
	add(none, 1, 0);
	assert_false(pending_awaited(table));
	add(one, 2, 0);
	add(two, 3, 0);
	assert_true(pending_awaited(table));
	assert_int_equal(pending_task(table, &one, &task), 1);
	assert_true(pending_awaited(table));
	pending_cancel(table, &two, 0, note, &(uint64_t){ 0 });
	assert_false(pending_awaited(table));
	assert_ended(reply("1", MF_OUT_RESULT, &matched), MF_END_RESPONSE, 1);
}

static void a_hundred_thousand_requests_are_told_apart(void **state)
{
	char raw[32];
	bool matched;

	for (uint64_t i = 0; i < 100000; i++) {
		snprintf(raw, sizeof(raw), "%llu", (unsigned long long)i);
		add(id(raw), i + 1, 0);
	}
	for (uint64_t i = 100000; i-- > 0;) {
		snprintf(raw, sizeof(raw), "%llu", (unsigned long long)i);
		assert_ended(reply(raw, MF_OUT_RESULT, &matched), MF_END_RESPONSE, 1);
	}
	assert_int_equal(pending_count(table), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_ends_its_request_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(of_equal_ids_all_stay_until_all_are_answered, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			answers_that_write_an_id_as_one_request_did_go_to_that_one, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_cancelled_request_waits_for_its_answer_five_minutes, setup, teardown),
		cmocka_unit_test_setup_teardown(each_kind_of_request_has_its_time, setup, teardown),
		cmocka_unit_test_setup_teardown(a_mate_that_leaves_takes_its_claim_along, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_over_long_line_gets_its_id_later, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_task_ends_its_request_and_dies_with_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			an_answer_is_awaited_to_what_has_an_id_and_was_not_cancelled, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_hundred_thousand_requests_are_told_apart, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
