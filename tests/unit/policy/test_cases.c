/* SPDX-License-Identifier: BSD-2-Clause */
/* Each row of a file in cases/ is a test: what is asked, the verdict, the line that decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "asked.h"
#include "policy/grant.h"
#include "scenes.h"

static void print_notes(const struct policy_tree *tree, struct buf *out)
{
	for (size_t i = 0; i < tree->notes.count; i++) {
		assert_int_equal(buf_append_str(out, "\n  "), 0);
		assert_int_equal(policy_note_print(out, &tree->sources, &tree->notes.notes[i]), 0);
	}
}

static const char *notes_of(const struct scene *scene, struct buf *out)
{
	print_notes(scene->tree, out);
	if (scene->admin_tree)
		print_notes(scene->admin_tree, out);
	assert_int_equal(buf_append(out, "", 1), 0);
	return (const char *)buf_bytes(out);
}

static const struct policy_note *find_note(const struct scene_case *row)
{
	const struct policy_notes *notes = &row->scene->tree->notes;
	enum policy_severity severity = strcmp(row->verdict, "error") == 0 ? POLICY_ERROR
									   : POLICY_WARNING;

	for (size_t i = 0; i < notes->count; i++) {
		const struct policy_note *note = &notes->notes[i];
		char line[32];

		snprintf(line, sizeof(line), "%u", note->where.line);
		if (strcmp(policy_note_word(note->id), row->question) == 0 &&
		    (row->ask == SCENE_SILENCE ||
		     (note->severity == severity && strcmp(line, row->where) == 0)))
			return note;
	}
	return NULL;
}

static void check_notes(const struct scene_case *row)
{
	_cleanup_buf_ struct buf out = { 0 };

	(void)scene_make(row->scene);
	if ((find_note(row) != NULL) != (row->ask == SCENE_NOTE))
		fail_msg("row %u: %s %s %s; there are:%s", row->line, row->verdict,
			 row->where ? row->where : "", row->question, notes_of(row->scene, &out));
}

/* "12", "admin:3", "below:7", "-", "default", "ceiling": as the rows have it. */
static void say_where(const struct scene *scene, const struct policy_decision *decision,
		      struct buf *out)
{
	static const char *const without_line[] = {
		[POLICY_BY_NO_RULE] = "-",
		[POLICY_BY_NO_TEXT] = "default",
		[POLICY_BY_CEILING] = "ceiling",
	};
	const struct policy *policy = decision->by_administrator ? &scene->administrator
								 : &scene->policy;
	const struct mf_pol_rule *rule = policy_rule(policy, decision->rule);
	size_t size;
	const char *file;

	if (!rule) {
		assert_true(decision->reason < sizeof(without_line) / sizeof(*without_line));
		assert_non_null(without_line[decision->reason]);
		assert_int_equal(buf_append_str(out, without_line[decision->reason]), 0);
		return;
	}
	file = policy_text(policy, policy->files[rule->file], &size);
	if (decision->reason == POLICY_BY_BELOW)
		assert_int_equal(buf_append_str(out, "below:"), 0);
	if (size != 1 || *file != 'p')
		assert_int_equal(buf_printf(out, "%.*s:", (int)size, file), 0);
	assert_int_equal(buf_printf(out, "%u", rule->line), 0);
}

struct flight {
	struct policy_request requests[SCENE_REQUESTS];
	struct policy grants[SCENE_REQUESTS];
	struct buf images[SCENE_REQUESTS];
};

static void flight_free(struct flight *flight)
{
	for (size_t i = 0; i < SCENE_REQUESTS; i++)
		buf_free(&flight->images[i]);
}

static void take_off(const struct scene_case *row, struct flight *flight)
{
	const struct policy *policy = &row->scene->policy;

	for (size_t i = 0; i < row->request_count; i++) {
		struct policy_grant_call call = {
			.block = policy_tool_block(policy, row->tools[i], strlen(row->tools[i])),
			.arguments = row->arguments[i],
			.arguments_size = row->arguments[i] ? strlen(row->arguments[i]) : 0,
			.cwd = row->cwd,
			.world = &row->scene->machine.world,
		};

		assert_int_equal(policy_grant_build(policy, &call, &flight->images[i], NULL), 0);
		assert_int_equal(policy_validate(buf_bytes(&flight->images[i]),
						 buf_size(&flight->images[i]), &flight->grants[i],
						 NULL),
				 0);
		flight->requests[i].block = call.block;
		flight->requests[i].grants = &flight->grants[i];
	}
}

static void check_decision(const struct scene_case *row)
{
	_cleanup_(flight_free) struct flight flight = { 0 };
	_cleanup_buf_ struct buf said = { 0 }, notes = { 0 };
	_cleanup_asked_ struct asked asked = { 0 };
	struct policy_state state = { .requests = flight.requests,
				      .request_count = row->request_count,
				      .strict = row->strict,
				      .mode = row->mode };
	struct policy_decision decision;

	if (!scene_make(row->scene))
		fail_msg("row %u: the policy has errors:%s", row->line,
			 notes_of(row->scene, &notes));
	if (asked_read(row->question, &asked))
		fail_msg("row %u: cannot read '%s'", row->line, row->question);
	if (row->scene->admin_tree)
		state.administrator = &row->scene->administrator;
	take_off(row, &flight);
	policy_decide(&row->scene->policy, &state, &asked.access, &decision);
	assert_int_equal(buf_printf(&said, "%s ", policy_verdicts[decision.verdict].word), 0);
	say_where(row->scene, &decision, &said);
	assert_int_equal(buf_append(&said, "", 1), 0);
	assert_int_equal(buf_printf(&notes, "%s %s", row->verdict, row->where), 0);
	assert_int_equal(buf_append(&notes, "", 1), 0);
	if (strcmp((const char *)buf_bytes(&said), (const char *)buf_bytes(&notes)) != 0)
		fail_msg("row %u: %s: %s, expected %s", row->line, row->question,
			 (const char *)buf_bytes(&said), (const char *)buf_bytes(&notes));
}

static void check_row(void **state)
{
	const struct scene_case *row = *state;

	if (row->ask == SCENE_DECIDE)
		check_decision(row);
	else
		check_notes(row);
}

/* Two rows of one name would be one test to who reads the results. */
static void names_are_unique(void **state)
{
	const struct scenes *scenes = *state;

	for (size_t i = 0; i < scenes->case_count; i++) {
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(scenes->cases[i]->name, scenes->cases[j]->name);
	}
}

int main(int argc, char **argv)
{
	struct CMUnitTest *tests;
	struct scenes scenes = { 0 };
	int failed;

	for (int i = 1; i < argc; i++)
		scenes_read(argv[i], &scenes);
	tests = calloc(scenes.case_count + 1, sizeof(*tests));
	if (!tests)
		return 1;
	for (size_t i = 0; i < scenes.case_count; i++)
		tests[i] = (struct CMUnitTest){ .name = scenes.cases[i]->name,
						.test_func = check_row,
						.initial_state = scenes.cases[i] };
	tests[scenes.case_count] = (struct CMUnitTest){ .name = "names of cases are unique",
							.test_func = names_are_unique,
							.initial_state = &scenes };
	failed = _cmocka_run_group_tests("cases", tests, scenes.case_count + 1, NULL, NULL);
	free(tests);
	scenes_free(&scenes);
	return failed;
}
