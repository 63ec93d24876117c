/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

#include <string.h>

#include "policy/build.h"

static const char *print(const struct policy *policy, const struct policy_state *state,
			 const struct policy_access *access)
{
	static struct buf out;
	struct policy_decision decision;

	buf_reset(&out, 0);
	policy_decide(policy, state, access, &decision);
	assert_int_equal(policy_decision_print(&out, policy, state, &decision), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	return (const char *)buf_bytes(&out);
}

static const char *say_state(const struct made *made, struct policy_state state, const char *tool,
			     const char *path, uint8_t verb, bool whole_tree)
{
	struct policy_request request = { 0 };
	struct policy_access access = { .kind = POLICY_ACCESS_PATH,
					.verbs = (uint8_t)MF_POL_BIT(verb),
					.name = path,
					.name_size = strlen(path),
					.whole_tree = whole_tree };

	if (tool) {
		request.block = policy_tool_block(&made->policy, tool, strlen(tool));
		state.requests = &request;
		state.request_count = 1;
	}
	return print(&made->policy, &state, &access);
}

static const char *say(const struct made *made, const char *tool, const char *path, uint8_t verb)
{
	return say_state(made, (struct policy_state){ .mode = MF_POL_ENFORCE }, tool, path, verb,
			 false);
}

static void every_reason_has_its_words(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make("version 1\ndefault audit\nceiling\n  read /\n  deny /etc/shadow\nbase\n  read  /lib\n"
	     "tool t\n  read /srv\n  deny read /srv/x\ntool a\n  mode audit\n  deny /srv/y\n",
	     &made);
	assert_string_equal(say(&made, "t", "/srv/a", MF_POL_READ), "allowed by p:9: read /srv");
	assert_string_equal(say(&made, "t", "/lib/a", MF_POL_READ), "allowed by p:7: read /lib");
	assert_string_equal(say(&made, "t", "/srv/x/y", MF_POL_READ),
			    "denied by p:10: deny read /srv/x");
	assert_string_equal(say(&made, "t", "/etc/shadow", MF_POL_READ),
			    "denied by p:5: deny /etc/shadow");
	assert_string_equal(say(&made, "t", "/srv/a", MF_POL_WRITE),
			    "denied: nothing in ceiling (p:3) allows it");
	assert_string_equal(say(&made, "t", "/opt", MF_POL_READ),
			    "denied: nothing in tool t (p:8) or base allows it");
	assert_string_equal(say(&made, "a", "/opt", MF_POL_READ),
			    "would be denied: nothing in tool a (p:11) or base allows it");
	assert_string_equal(say(&made, "a", "/srv/y", MF_POL_READ),
			    "would be denied by p:13: deny /srv/y");
	assert_string_equal(
		say(&made, "n", "/opt", MF_POL_READ),
		"would be denied: no block is about this tool, so this holds: p:2: default "
		"audit");
	assert_string_equal(say(&made, NULL, "/opt", MF_POL_READ),
			    "denied: nothing in base (p:6) allows it");
	assert_string_equal(say(&made, NULL, "/dev/null", MF_POL_READ),
			    "allowed by built-in:1: write /dev/null");
	assert_string_equal(say_state(&made, (struct policy_state){ .mode = MF_POL_ENFORCE }, "t",
				      "/srv", MF_POL_READ, true),
			    "denied by p:10: deny read /srv/x, which is about what would move");
}

static void without_base_and_default_the_words_say_so(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make("version 1\ntool t\n  read /srv\n", &made);
	assert_string_equal(say(&made, "t", "/opt", MF_POL_READ),
			    "denied: nothing in tool t (p:2) allows it");
	assert_string_equal(say(&made, "n", "/opt", MF_POL_READ),
			    "denied: no block is about this tool, so it is denied");
	assert_string_equal(say(&made, NULL, "/opt", MF_POL_READ),
			    "denied: there is no base block, so it is denied");
}

static void a_session_that_only_observes_refuses_nothing(void **state)
{
	_cleanup_made_ struct made made = { 0 };
	const struct policy_state observe = { .mode = MF_POL_OBSERVE };
	const struct policy_state audit = { .mode = MF_POL_AUDIT };

	make("version 1\nbase\n  read /lib\n  deny /lib/x\n", &made);
	assert_string_equal(say_state(&made, observe, NULL, "/lib/x", MF_POL_READ, false),
			    "observed, not denied as it would be by p:4: deny /lib/x");
	assert_string_equal(say_state(&made, observe, NULL, "/opt", MF_POL_READ, false),
			    "observed: nothing in base (p:2) allows it");
	assert_string_equal(say_state(&made, audit, NULL, "/lib/x", MF_POL_READ, false),
			    "would be denied by p:4: deny /lib/x");
	assert_string_equal(say_state(&made, audit, NULL, "/lib/y", MF_POL_READ, false),
			    "allowed by p:3: read /lib");
}

static void the_administrators_ceiling_is_named_as_such(void **state)
{
	_cleanup_made_ struct made made = { 0 }, above = { 0 };
	struct policy_state limited = { .mode = MF_POL_ENFORCE };
	struct policy_access access = { .kind = POLICY_ACCESS_PATH,
					.verbs = MF_POL_BIT(MF_POL_READ),
					.name = "/b",
					.name_size = 2 };
	struct policy_decision decision;

	make("version 1\nbase\n  read /\n", &made);
	make("version 1\n\n\nceiling\n  read /a\n", &above);
	limited.administrator = &above.policy;
	assert_string_equal(say_state(&made, limited, NULL, "/a", MF_POL_READ, false),
			    "allowed by p:3: read /");
	assert_string_equal(say_state(&made, limited, NULL, "/b", MF_POL_READ, false),
			    "denied: nothing in ceiling (p:4) allows it");
	policy_decide(&made.policy, &limited, &access, &decision);
	assert_true(decision.by_administrator);
}

/* Grants that allow reading /g, and deny /g/x, by the rule that `rule` names. */
static void grant(struct buf *image, uint32_t rule, uint32_t rules, struct policy *ret_policy)
{
	_cleanup_policy_builder_ struct policy_builder *builder = NULL;
	struct policy_entry entry = { .rule = rule, .verbs = MF_POL_BIT(MF_POL_READ) };

	assert_int_equal(policy_builder_new(1, &builder), 0);
	assert_int_equal(policy_builder_path(builder, entry, "/g", 2), 0);
	entry.deny = true;
	assert_int_equal(policy_builder_path(builder, entry, "/g/x", 4), 0);
	assert_int_equal(policy_builder_grants(builder, rules, image), 0);
	assert_int_equal(policy_validate(buf_bytes(image), buf_size(image), ret_policy, NULL), 0);
}

static void what_an_argument_decides_is_named_by_its_line(void **state)
{
	_cleanup_made_ struct made made = { 0 };
	_cleanup_buf_ struct buf image = { 0 };
	struct policy grants;
	struct policy_request request = { 0 };
	struct policy_state one = { .requests = &request,
				    .request_count = 1,
				    .mode = MF_POL_ENFORCE };
	struct policy_access access = { .kind = POLICY_ACCESS_PATH,
					.verbs = MF_POL_BIT(MF_POL_READ),
					.name = "/g/a",
					.name_size = 4 };

	make("version 1\nbase\n  read /lib\ntool t\n  read ${arg.path}\n", &made);
	grant(&image, made.policy.templates[0].rule, made.policy.rule_count, &grants);
	request = (struct policy_request){ policy_tool_block(&made.policy, "t", 1), &grants };
	assert_string_equal(print(&made.policy, &one, &access),
			    "allowed by p:5: read ${arg.path}, by an argument of the call");
	access.name = "/g/x";
	assert_string_equal(print(&made.policy, &one, &access),
			    "denied by p:5: read ${arg.path}, by an argument of the call");
	access.name = "/lib";
	assert_string_equal(print(&made.policy, &one, &access), "allowed by p:3: read /lib");
	/* a block that is out of range is no block */
	request.block = 1000;
	request.grants = NULL;
	access.name = "/g/a";
	assert_string_equal(print(&made.policy, &one, &access),
			    "denied: no block is about this tool, so it is denied");
}

static void names_from_a_policy_are_escaped(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make("version 1\nbase\n  read \"/a\\u{202e}\\n\"\n  deny \"/a\\u{202e}\\n/b\"\n", &made);
	assert_string_equal(say(&made, NULL, "/a\u202e\n/b", MF_POL_READ),
			    "denied by p:4: deny \"/a\\\\u{202e}\\\\n/b\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_its_words),
		cmocka_unit_test(without_base_and_default_the_words_say_so),
		cmocka_unit_test(a_session_that_only_observes_refuses_nothing),
		cmocka_unit_test(the_administrators_ceiling_is_named_as_such),
		cmocka_unit_test(what_an_argument_decides_is_named_by_its_line),
		cmocka_unit_test(names_from_a_policy_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
