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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directory_is_its_whole_tree_at_component_boundaries),
		cmocka_unit_test(an_address_matches_by_prefix_and_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
