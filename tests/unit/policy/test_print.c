/* SPDX-License-Identifier: BSD-2-Clause */
/* What is printed into a buffer that is too small: told at whatever byte it ends, never cut. */

#include "policies.h"

#include <errno.h>
#include <string.h>

#include "policy/quote.h"

typedef int print_fn(struct buf *out, const void *what);

/* Prints with room for every number of bytes less than it takes, then with enough. */
static void all_or_nothing(print_fn *print, const void *what)
{
	_cleanup_buf_ struct buf whole = { 0 };
	size_t size;

	assert_int_equal(print(&whole, what), 0);
	size = buf_size(&whole);
	assert_true(size > 0);
	for (size_t limit = 1; limit < size; limit++) {
		_cleanup_buf_ struct buf out = { .limit = limit };

		assert_int_equal(print(&out, what), -ENOBUFS);
	}
}

struct asked {
	const struct made *made;
	struct policy_state state;
	struct policy_decision decision;
};

static int print_decision(struct buf *out, const void *what)
{
	const struct asked *asked = what;

	return policy_decision_print(out, &asked->made->policy, &asked->state, &asked->decision);
}

static int print_note(struct buf *out, const void *what)
{
	const struct policy_tree *tree = what;

	return policy_note_print(out, &tree->sources, &tree->notes.notes[0]);
}

static int print_word(struct buf *out, const void *what)
{
	return policy_quote(out, what, strlen(what));
}

static int print_address(struct buf *out, const void *what)
{
	return policy_address_print(out, what);
}

static void decisions(void **state)
{
	_cleanup_made_ struct made made = { 0 };
	static const struct {
		enum policy_reason reason;
		uint32_t rule, block, request;
		enum mf_verdict verdict;
		bool by_grant;
	} rows[] = {
		{ POLICY_BY_ALLOW, 2, MF_POL_BASE, 0, MF_ALLOW, true },
		{ POLICY_BY_BELOW, 2, MF_POL_BASE, 0, MF_DENY, false },
		{ POLICY_BY_DENY, 2, MF_POL_BASE, 0, MF_OBSERVED, false },
		{ POLICY_BY_DENY, 9999, MF_POL_BASE, 0, MF_DENY, false },
		{ POLICY_BY_NO_RULE, 0, 2, 0, MF_DENY, false },
		{ POLICY_BY_NO_RULE, 0, MF_POL_BASE, UINT32_MAX, MF_DENY, false },
		{ POLICY_BY_NO_TEXT, 0, MF_POL_DEFAULT, 0, MF_WOULD_DENY, false },
	};

	make("version 1\ndefault audit\nbase\n read /\ntool t\n read /x\n", &made);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct asked asked = { .made = &made,
				       .decision = { .verdict = rows[i].verdict,
						     .reason = rows[i].reason,
						     .rule = rows[i].rule,
						     .block = rows[i].block,
						     .request = rows[i].request,
						     .by_grant = rows[i].by_grant } };

		all_or_nothing(print_decision, &asked);
	}
}

static void decisions_of_a_policy_without_heads(void **state)
{
	_cleanup_made_ struct made made = { 0 };
	struct asked asked = { .made = &made };

	make("version 1\ntool t\n read /x\n", &made);
	asked.decision =
		(struct policy_decision){ .reason = POLICY_BY_NO_TEXT, .block = MF_POL_DEFAULT };
	all_or_nothing(print_decision, &asked);
	asked.decision =
		(struct policy_decision){ .reason = POLICY_BY_NO_RULE, .block = MF_POL_BASE };
	all_or_nothing(print_decision, &asked);
	asked.decision.block = MF_POL_DEFAULT;
	all_or_nothing(print_decision, &asked);
}

static void notes(void **state)
{
	_cleanup_policy_tree_ struct policy_tree *error =
		parse("version 1\nbase\n read /x\n mode audi\n");
	_cleanup_policy_tree_ struct policy_tree *warning =
		parse("version 1\nbase\n read /\n read /x\n");
	_cleanup_policy_tree_ struct policy_tree *whole = parse("");

	all_or_nothing(print_note, error);
	all_or_nothing(print_note, warning);
	all_or_nothing(print_note, whole);
	/* a place in a file that is not there */
	whole->notes.notes[0].where.file = 9;
	all_or_nothing(print_note, whole);
}

static void a_long_word_is_cut_in_a_message(void **state)
{
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;
	char text[1000] = "version 1\ndefault deny\n";

	memset(text + strlen(text), 'q', 500);
	tree = parse(text);
	assert_non_null(strstr(notes_of(tree), "qqq...'\n"));
	assert_true(strlen(notes_of(tree)) < 300);
}

static void words_and_addresses(void **state)
{
	const struct policy_address four = { 4, { 203, 0, 113, 7 } };
	const struct policy_address six = { 6, { 0x20, 1, 0xd, 0xb8, [15] = 7 } };

	all_or_nothing(print_word, "plain");
	all_or_nothing(print_word, "with \"blank\" and * and ${x}");
	all_or_nothing(print_address, &four);
	all_or_nothing(print_address, &six);
}

static int print_normal(struct buf *out, const void *what)
{
	return policy_path_from("/work", what, strlen(what), out);
}

static int print_object(struct buf *out, const void *what)
{
	_cleanup_buf_ struct buf named = { 0 };

	return policy_path_resolve(NULL, what, &named, out, NULL, NULL);
}

static int print_named(struct buf *out, const void *what)
{
	_cleanup_buf_ struct buf object = { 0 };

	return policy_path_resolve(NULL, what, out, &object, NULL, NULL);
}

static void paths(void **state)
{
	all_or_nothing(print_normal, "x/y");
	all_or_nothing(print_normal, "/a/b");
	all_or_nothing(print_object, "/a/b");
	all_or_nothing(print_named, "/a/b");
}

static int compile(struct buf *out, const void *what)
{
	_cleanup_policy_tree_ struct policy_tree *tree = parse(what);
	int r = policy_compile(tree, out);

	return r == -E2BIG ? -ENOBUFS : r; /* that is how a policy is too large */
}

static void an_image(void **state)
{
	all_or_nothing(compile, "version 1\ndefault deny\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions),
		cmocka_unit_test(decisions_of_a_policy_without_heads),
		cmocka_unit_test(notes),
		cmocka_unit_test(a_long_word_is_cut_in_a_message),
		cmocka_unit_test(words_and_addresses),
		cmocka_unit_test(paths),
		cmocka_unit_test(an_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
