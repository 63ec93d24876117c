/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

static void a_directory_is_its_whole_tree_at_component_boundaries(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make("version 1\n"
	     "tool t\n"
	     "  read /a\n",
	     &made);
	assert_string_equal(decided(&made, "t", "read", "/a"), "allow 3");
	assert_string_equal(decided(&made, "t", "read", "/a/b/c"), "allow 3");
	assert_string_equal(decided(&made, "t", "read", "/ab"), "deny -");
	assert_string_equal(decided(&made, "t", "read", "/"), "deny -");
	assert_string_equal(decided(&made, "t", "write", "/a"), "deny -");
	assert_string_equal(decided(&made, "t", "exec", "/a"), "deny -");
}

static void an_address_matches_by_prefix_and_port(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make("version 1\n"
	     "tool t\n"
	     "  connect 10.0.0.0/8:443\n"
	     "  deny connect 10.1.0.0/16:*\n"
	     "  connect [2001:db8::/32]:8000-8010\n"
	     "  listen 127.0.0.1:0\n"
	     "  connect *:53\n",
	     &made);
	assert_string_equal(decided(&made, "t", "connect", "10.2.3.4:443"), "allow 3");
	assert_string_equal(decided(&made, "t", "connect", "10.1.3.4:443"), "deny 4");
	assert_string_equal(decided(&made, "t", "connect", "10.1.3.4:53"), "deny 4");
	assert_string_equal(decided(&made, "t", "connect", "10.2.3.4:444"), "deny -");
	assert_string_equal(decided(&made, "t", "connect", "10.2.3.4:53"), "allow 7");
	assert_string_equal(decided(&made, "t", "connect", "[2001:db8::7]:8010"), "allow 5");
	assert_string_equal(decided(&made, "t", "connect", "[2001:db8::7]:8011"), "deny -");
	assert_string_equal(decided(&made, "t", "listen", "127.0.0.1:0"), "allow 6");
	assert_string_equal(decided(&made, "t", "connect", "[::ffff:10.2.3.4]:443"), "allow 3");
}

static void a_way_out_is_allowed_by_its_word_only(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make("version 1\nbase\n  allow mount\ntool t\n  allow ptrace\n  deny bpf\ntool u\n  deny "
	     "mount\n",
	     &made);
	assert_string_equal(decided(&made, "t", "allow", "ptrace"), "allow 5");
	assert_string_equal(decided(&made, "t", "allow", "mount"), "allow 3");
	assert_string_equal(decided(&made, "t", "allow", "bpf"), "deny 6");
	assert_string_equal(decided(&made, "t", "allow", "perf"), "deny -");
	assert_string_equal(decided(&made, "u", "allow", "mount"), "deny 8");
	assert_string_equal(decided(&made, "", "allow", "mount"), "allow 3");
	assert_string_equal(decided(&made, "", "allow", "ptrace"), "deny -");
	assert_string_equal(decided(&made, "t", "allow", "no such word"), "deny -");
}

static void a_deny_of_one_call_holds_for_the_others_in_flight(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make("version 1\nbase\n  read /lib\ntool a\n  read /srv\n  deny /srv/x\ntool b\n  read "
	     "/srv/x\n"
	     "tool c\n  mode audit\n  deny /srv\n",
	     &made);
	assert_string_equal(decided(&made, "b", "read", "/srv/x"), "allow 8");
	assert_string_equal(decided(&made, "a b", "read", "/srv/x"), "deny 6");
	assert_string_equal(decided(&made, "b a", "read", "/srv/x"), "deny 6");
	assert_string_equal(decided(&made, "b c", "read", "/srv/x"), "would-deny 11");
	assert_string_equal(decided(&made, "a b c", "read", "/srv/x"), "deny 6");
}

static void the_union_allows_what_one_may_and_strict_what_all_may(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make("version 1\ndefault observe\nbase\n  read /lib\ntool a\n  read /a\n  read /both\ntool "
	     "b\n"
	     "  read /b\n  read /both\ntool c\n  mode audit\n  read /both\n",
	     &made);
	assert_string_equal(decided(&made, "a b", "read", "/a"), "allow 6");
	assert_string_equal(decided(&made, "a b", "read", "/b"), "allow 9");
	assert_string_equal(decided_strictly(&made, "a b", "read", "/a"), "deny -");
	assert_string_equal(decided_strictly(&made, "a b", "read", "/both"), "allow 7");
	assert_string_equal(decided_strictly(&made, "a b", "read", "/lib"), "allow 4");
	/* without a line: the most lenient mode in the union, the strictest in the intersection */
	assert_string_equal(decided(&made, "a c", "read", "/x"), "would-deny -");
	assert_string_equal(decided(&made, "a c unknown", "read", "/x"), "observed -");
	assert_string_equal(decided_strictly(&made, "a c unknown", "read", "/x"), "deny -");
	assert_string_equal(decided_strictly(&made, "c unknown", "read", "/x"), "would-deny -");
}

static void reading_and_writing_at_once_takes_one_call_that_may_both(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make("version 1\nbase\n  read /lib\ntool r\n  read /d\ntool w\n  write /d\n  deny read "
	     "/d/x\n",
	     &made);
	assert_string_equal(decided(&made, "r", "read+write", "/d"), "deny -");
	assert_string_equal(decided(&made, "w", "read+write", "/d"), "allow 7");
	assert_string_equal(decided(&made, "w", "read+write", "/d/x"), "deny 8");
	assert_string_equal(decided(&made, "w", "write", "/d/x"), "allow 7");
	assert_string_equal(decided(&made, "w", "listen", "unix:/d/x"), "allow 7");
}

static void moving_a_tree_moves_what_is_denied_in_it(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make("version 1\nbase\n  write /d\n  deny exec /d/a/b\n", &made);
	assert_string_equal(decided(&made, "", "move", "/d/a"), "deny 4");
	assert_string_equal(decided(&made, "", "move", "/d"), "deny 4");
	assert_string_equal(decided(&made, "", "move", "/d/c"), "allow 3");
	assert_string_equal(decided(&made, "", "move", "/d/a/b"), "deny 4");
	assert_string_equal(decided(&made, "", "write", "/d/a"), "allow 3");
}

static void a_deny_of_listening_denies_the_wildcard_that_includes_it(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make("version 1\nbase\n  listen *:*\n  deny listen 10.0.0.1:22\n  deny listen "
	     "[2001:db8::1]:23\n"
	     "  connect 0.0.0.0:5\n  connect [::]:6\n",
	     &made);
	assert_string_equal(decided(&made, "", "listen", "0.0.0.0:22"), "deny 4");
	assert_string_equal(decided(&made, "", "listen", "[::]:22"), "deny 4");
	assert_string_equal(decided(&made, "", "listen", "[::]:23"), "deny 5");
	assert_string_equal(decided(&made, "", "listen", "0.0.0.0:23"), "allow 3");
	assert_string_equal(decided(&made, "", "listen", "10.0.0.2:22"), "allow 3");
	assert_string_equal(decided(&made, "", "connect", "127.0.0.1:5"), "allow 6");
	assert_string_equal(decided(&made, "", "connect", "0.0.0.0:5"), "allow 6");
	assert_string_equal(decided(&made, "", "connect", "[::1]:6"), "allow 7");
	assert_string_equal(decided(&made, "", "connect", "[::]:6"), "allow 7");
	assert_string_equal(decided(&made, "", "connect", "[::ffff:0.0.0.0]:5"), "allow 6");
}

static void harmless_devices_need_no_line_and_can_be_denied(void **state)
{
	_cleanup_made_ struct made made = { 0 }, denied = { 0 }, without = { 0 };

	make("version 1\nceiling\n  read /x\nbase\n  read /x\n", &made);
	assert_string_equal(decided(&made, "", "write", "/dev/null"), "allow 1");
	assert_string_equal(decided(&made, "", "read", "/dev/urandom"), "allow 5");
	assert_string_equal(decided(&made, "", "write", "/dev/urandom"), "deny -");
	assert_string_equal(decided(&made, "", "read+write", "/dev/pts/7"), "allow 8");
	make("version 1\nbase\n  deny /dev/null\n", &denied);
	assert_string_equal(decided(&denied, "", "write", "/dev/null"), "deny 3");
	make("version 1\ntool t\n  read /x\n", &without);
	assert_string_equal(decided(&without, "t", "write", "/dev/null"), "allow 1");
	assert_string_equal(decided(&without, "", "write", "/dev/null"), "allow 1");
}

static void who_asks_for_no_verb_is_allowed_nothing(void **state)
{
	_cleanup_made_ struct made made = { 0 };
	const struct policy_state at_rest = { .mode = MF_POL_ENFORCE };
	const struct policy_access path = { .kind = POLICY_ACCESS_PATH,
					    .name = "/x",
					    .name_size = 2 };
	const struct policy_access address = { .kind = POLICY_ACCESS_ADDRESS, .family = 4 };
	struct policy_decision decision;

	make("version 1\nbase\n  read /\n  write /\n  exec / interpreter\n  connect *:*\n  listen "
	     "*:*\n",
	     &made);
	policy_decide(&made.policy, &at_rest, &path, &decision);
	assert_int_equal(decision.verdict, MF_DENY);
	assert_int_equal(decision.reason, POLICY_BY_NO_RULE);
	assert_int_equal(decision.rule, 0);
	policy_decide(&made.policy, &at_rest, &address, &decision);
	assert_int_equal(decision.verdict, MF_DENY);
}

static void who_asks_for_no_verb_is_allowed_nothing_by_a_ceiling_either(void **state)
{
	_cleanup_made_ struct made made = { 0 };
	const struct policy_request request = { .block = MF_POL_DEFAULT };
	const struct policy_state state_of_call = { .requests = &request,
						    .request_count = 1,
						    .mode = MF_POL_ENFORCE };
	const struct policy_access path = { .kind = POLICY_ACCESS_PATH,
					    .name = "/x",
					    .name_size = 2 };
	struct policy_decision decision;

	make("version 1\ndefault observe\nceiling\n  write /\n", &made);
	policy_decide(&made.policy, &state_of_call, &path, &decision);
	assert_int_equal(decision.verdict, MF_DENY);
	assert_int_equal(decision.reason, POLICY_BY_CEILING);
	assert_int_equal(decision.verb, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directory_is_its_whole_tree_at_component_boundaries),
		cmocka_unit_test(an_address_matches_by_prefix_and_port),
		cmocka_unit_test(a_way_out_is_allowed_by_its_word_only),
		cmocka_unit_test(a_deny_of_one_call_holds_for_the_others_in_flight),
		cmocka_unit_test(the_union_allows_what_one_may_and_strict_what_all_may),
		cmocka_unit_test(reading_and_writing_at_once_takes_one_call_that_may_both),
		cmocka_unit_test(moving_a_tree_moves_what_is_denied_in_it),
		cmocka_unit_test(a_deny_of_listening_denies_the_wildcard_that_includes_it),
		cmocka_unit_test(harmless_devices_need_no_line_and_can_be_denied),
		cmocka_unit_test(who_asks_for_no_verb_is_allowed_nothing),
		cmocka_unit_test(who_asks_for_no_verb_is_allowed_nothing_by_a_ceiling_either),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
