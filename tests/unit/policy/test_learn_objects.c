/* SPDX-License-Identifier: BSD-2-Clause */
/* Which objects are bound to an argument, and which have lines of their own. */
#include "school.h"

#include <stdio.h>
#include <string.h>

/* Whether one call with this argument, which reached an address, gets the argument's line. */
static bool is_bound(const char *value, const uint8_t addr[4], uint16_t port)
{
	_cleanup_school_ struct school school;
	_cleanup_buf_ struct buf text = { 0 };
	char arguments[1024];

	school_open(&school);
	snprintf(arguments, sizeof(arguments), "{\"to\":%s}", value);
	call(&school, "t", arguments);
	reach(&school, addr, port);
	print(&school, &text);
	return strstr(text_of(&text), "connect ${arg.to}") != NULL;
}

static void an_address_is_bound_only_where_its_spelling_means_that_address_alone(void **state)
{
	static const uint8_t there[] = { 198, 51, 100, 7 }, here[] = { 127, 0, 0, 1 };
	static const char *const means[] = {
		"\"http://198.51.100.7\"",	   "\"http://198.51.100.7:80/x?y#z\"",
		"\"ws://198.51.100.7/\"",	   "\"198.51.100.7:80\"",
		"[\"x\",\"http://198.51.100.7\"]", "\"http://198.51.100.7?q\"",
	};
	static const char *const does_not[] = {
		"\"http://u@198.51.100.7\"",
		"\"https://198.51.100.7\"",
		"\"198.51.100.7\"",
		"\"198.51.100.7:80/x\"",
		"\"198.51.100.7:1-80\"",
		"\"198.51.100.7:*\"",
		"\"198.51.100.0/24:80\"",
		"\"198.51.100.8:80\"",
		"\"*:80\"",
		"\"http://host.test/\"",
		"\"http://:80/\"",
		"\"http://\"",
		"\"http://198.51.100.7:99999\"",
		"\"http://[::1]\"",
		"\"\"",
		"7",
		"null",
		"{}",
		"[7,[\"198.51.100.7:80\"]]",
		"\"a\\u0000b\"",
	};

	for (size_t i = 0; i < ARRAY_LEN(means); i++)
		assert_true(is_bound(means[i], there, 80));
	for (size_t i = 0; i < ARRAY_LEN(does_not); i++)
		assert_false(is_bound(does_not[i], there, 80));
	assert_true(is_bound("\"https://198.51.100.7\"", there, 443));
	assert_true(is_bound("\"wss://198.51.100.7:99\"", there, 99));
	assert_true(is_bound("\"http://localhost:5\"", here, 5));
	assert_true(is_bound("\"localhost:5\"", here, 5));
	assert_false(is_bound("\"localhost\"", here, 80));
}

static const char too_deep[] = "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":{\"i\":{"
			       "\"j\":\"/srv/a\"}}}}}}}}}}";

static void arguments_by_names_that_a_policy_would_not_write_are_passed_over(void **state)
{
	static const char *const arguments[] = {
		"{\"a b\":\"/srv/a\"}",
		"{\"\":\"/srv/a\"}",
		"{\"a.b\":\"/srv/a\"}",
		"{\"${x}\":\"/srv/a\"}",
		"[\"/srv/a\"]",
		"\"/srv/a\"",
		too_deep,
		"{\"a\":\"/srv/a\"", /* cut */
	};

	for (size_t i = 0; i < ARRAY_LEN(arguments); i++) {
		_cleanup_school_ struct school school;
		_cleanup_buf_ struct buf text = { 0 };

		school_open(&school);
		call(&school, "t", arguments[i]);
		touch(&school, MF_POL_READ, "/srv/a");
		print(&school, &text);
		assert_null(strstr(text_of(&text), "${arg"));
		assert_non_null(strstr(text_of(&text), "read    /srv/a"));
	}
}

static void what_is_reached_otherwise_has_lines_of_its_own(void **state)
{
	static const uint8_t six[16] = { 0x20, 1, 0xd, 0xb8 };
	struct policy_learn_access access = { .access = { .kind = POLICY_ACCESS_ABSTRACT,
							  .verbs = MF_POL_BIT(MF_POL_CONNECT),
							  .name = "bus",
							  .name_size = 3 } };
	_cleanup_school_ struct school school;

	school_open(&school);
	call(&school, "t", "{\"sock\":\"/run/x.sock\"}");
	assert_int_equal(policy_learn_access(school.learner, &access, false), 0);
	assert_int_equal(policy_learn_access(school.learner, &access, false), 0);
	access.access = (struct policy_access){ .kind = POLICY_ACCESS_ADDRESS,
						.verbs = MF_POL_BIT(MF_POL_LISTEN),
						.family = 6,
						.port = 8080 };
	memcpy(access.access.addr, six, sizeof(six));
	assert_int_equal(policy_learn_access(school.learner, &access, false), 0);
	access.access =
		(struct policy_access){ .kind = POLICY_ACCESS_ESCAPE, .escape = MF_POL_PTRACE };
	assert_int_equal(policy_learn_access(school.learner, &access, false), 0);
	access.access.escape = MF_POL_MOUNT;
	access.uses = 3;
	assert_int_equal(policy_learn_access(school.learner, &access, false), 0);
	touch(&school, MF_POL_CONNECT, "/run/x.sock");
	touch(&school, MF_POL_LISTEN, "/run/y.sock");
	touch(&school, MF_POL_EXEC, "/usr/bin/python3.12");
	learned_is(&school, "base\n"
			    "  include secrets\n"
			    "\n"
			    "tool t                                     # 1 call\n"
			    "  exec    /usr/bin/python3.12 interpreter  # 1 use in 1 call\n"
			    "  connect unix:/run/x.sock                 # 1 use in 1 call\n"
			    "  connect unix:@bus                        # 2 uses in 1 call\n"
			    "  listen  unix:/run/y.sock                 # 1 use in 1 call\n"
			    "  listen  [2001:db8::]:8080                # 1 use in 1 call\n"
			    "  # allow mount  # left out, a way out of the session (3 uses)\n"
			    "  # allow ptrace  # left out, a way out of the session (1 use)\n");
}

static void addresses_that_secrets_denies_are_left_out_and_told(void **state)
{
	struct policy_learn_access access = { .access = { .kind = POLICY_ACCESS_ADDRESS,
							  .verbs = MF_POL_BIT(MF_POL_CONNECT),
							  .family = 4,
							  .addr = { 192, 0, 2, 1 },
							  .port = 80 } };
	_cleanup_school_ struct school school;

	school_open(&school);
	call(&school, "t", "{}");
	assert_int_equal(policy_learn_access(school.learner, &access, false), 0);
	assert_int_equal(policy_learn_access(school.learner, &access, false), 0);
	access.access.port = 443;
	assert_int_equal(policy_learn_access(school.learner, &access, false), 0);
	access.access.addr[3] = 2;
	assert_int_equal(policy_learn_access(school.learner, &access, false), 0);
	access.access = (struct policy_access){ .kind = POLICY_ACCESS_ABSTRACT,
						.verbs = MF_POL_BIT(MF_POL_CONNECT),
						.name = "agent",
						.name_size = 5 };
	assert_int_equal(policy_learn_access(school.learner, &access, false), 0);
	learned_is(&school, "base\n"
			    "  include secrets\n"
			    "\n"
			    "tool t                   # 1 call\n"
			    "  connect 192.0.2.2:443  # 1 use in 1 call\n"
			    "  # left out, secret: 192.0.2.1:80 (2 uses)\n"
			    "  # left out, secret: 192.0.2.1:443 (1 use)\n"
			    "  # left out, secret: unix:@agent (1 use)\n");
}

static void ways_out_are_counted_over_all_blocks(void **state)
{
	struct policy_learn_access access = {
		.access = { .kind = POLICY_ACCESS_ESCAPE, .escape = MF_POL_PTRACE }, .uses = 2
	};
	_cleanup_school_ struct school school;

	school_open(&school);
	call(&school, "t", "{}");
	assert_int_equal(policy_learn_access(school.learner, &access, false), 0);
	assert_int_equal(policy_learn_access(school.learner, &access, true), 0);
	assert_int_equal(policy_learn_escapes(school.learner, MF_POL_PTRACE), 4);
	assert_int_equal(policy_learn_escapes(school.learner, MF_POL_MOUNT), 0);
}

static void name(struct school *school, const char *text, uint64_t event)
{
	const struct policy_learn_access access = {
		.access = { .kind = POLICY_ACCESS_ABSTRACT,
			    .verbs = MF_POL_BIT(MF_POL_CONNECT),
			    .name = text,
			    .name_size = strlen(text) },
		.event = event,
	};

	assert_int_equal(policy_learn_access(school->learner, &access, false), 0);
}

static void equal_ones_of_several_calls_are_one_line_each(void **state)
{
	static const uint8_t a[] = { 192, 0, 2, 3 }, b[] = { 192, 0, 2, 2 };
	const struct policy_learn_access six = { .access = { .kind = POLICY_ACCESS_ADDRESS,
							     .verbs = MF_POL_BIT(MF_POL_LISTEN),
							     .family = 6,
							     .port = 80 } };
	_cleanup_school_ struct school school;

	school_open(&school);
	for (int i = 0; i < 3; i++) {
		call(&school, "t", "{}");
		reach(&school, b, 80);
		reach(&school, a, 81);
		reach(&school, a, 80);
		name(&school, "b", 0);
		name(&school, "ab", 0);
		name(&school, "a", 0);
		assert_int_equal(policy_learn_access(school.learner, &six, false), 0);
	}
	learned_is(&school, "base\n"
			    "  include secrets\n"
			    "\n"
			    "tool t                  # 3 calls\n"
			    "  connect 192.0.2.2:80  # 3 uses in 3 calls\n"
			    "  connect 192.0.2.3:80  # 3 uses in 3 calls\n"
			    "  connect 192.0.2.3:81  # 3 uses in 3 calls\n"
			    "  connect unix:@a       # 3 uses in 3 calls\n"
			    "  connect unix:@ab      # 3 uses in 3 calls\n"
			    "  connect unix:@b       # 3 uses in 3 calls\n"
			    "  listen  [::]:80       # 3 uses in 3 calls\n");
}

/* The same number in two calls: whose it was is not known. */
static void what_may_be_of_two_calls_is_told_so_whatever_it_is(void **state)
{
	static const char *const tools[] = { "one", "two" };
	static const uint8_t there[] = { 192, 0, 2, 3 };
	_cleanup_school_ struct school school;
	_cleanup_buf_ struct buf text = { 0 };

	school_open(&school);
	for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
		struct policy_learn_access access = { .access = { .kind = POLICY_ACCESS_ADDRESS,
								  .verbs = MF_POL_BIT(
									  MF_POL_CONNECT),
								  .family = 4,
								  .port = 80 },
						      .event = 3 };

		call(&school, tools[i], "{\"path\":\"/srv/a\"}");
		name(&school, "a", 1);
		name(&school, "ab", 1);
		name(&school, "b", 2);
		memcpy(access.access.addr, there, sizeof(there));
		assert_int_equal(policy_learn_access(school.learner, &access, false), 0);
		access.access = (struct policy_access){ .kind = POLICY_ACCESS_PATH,
							.verbs = MF_POL_BIT(MF_POL_READ),
							.name = "/srv/a",
							.name_size = 6 };
		assert_int_equal(policy_learn_access(school.learner, &access, false), 0);
	}
	touch(&school, MF_POL_READ, "/srv/a"); /* of the second, for certain */
	print(&school, &text);
	assert_non_null(strstr(text_of(&text), "unix:@a "));
	assert_non_null(strstr(text_of(&text), "unix:@ab "));
	assert_non_null(strstr(text_of(&text), "unix:@b "));
	assert_non_null(strstr(text_of(&text), "192.0.2.3:80 "));
	assert_null(strstr(strstr(text_of(&text), "tool one"), "/srv/a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_address_is_bound_only_where_its_spelling_means_that_address_alone),
		cmocka_unit_test(arguments_by_names_that_a_policy_would_not_write_are_passed_over),
		cmocka_unit_test(what_is_reached_otherwise_has_lines_of_its_own),
		cmocka_unit_test(addresses_that_secrets_denies_are_left_out_and_told),
		cmocka_unit_test(ways_out_are_counted_over_all_blocks),
		cmocka_unit_test(equal_ones_of_several_calls_are_one_line_each),
		cmocka_unit_test(what_may_be_of_two_calls_is_told_so_whatever_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
