/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/format.h"
#include "policy/grant.h"
#include "policy/learn.h"

static const struct include_there includes[] = {
	{ "runtime/base", "version 1\nblock runtime/base\n  read /usr/lib\n  exec /usr/lib\n"
			  "  read /etc/hosts\n" },
	{ "secrets",
	  "version 1\nblock secrets\n  deny /home/ada/.ssh\n  deny connect 192.0.2.1:*\n" },
	{ NULL, NULL },
};

static const struct world world = { .includes = includes, .home = "/home/ada" };

/* A learner with what it borrows. */
struct school {
	struct made base, secrets;
	struct policy_learn_include include;
	struct policy_learner *learner;
};

static void school_open(struct school *school)
{
	struct policy_learn_options options = { .place = { .home = "/home/ada" } };

	*school = (struct school){ 0 };
	make_in(&world, "version 1\nbase\n  include runtime/base\n", &school->base);
	make_in(&world, "version 1\nbase\n  include secrets\n", &school->secrets);
	school->include = (struct policy_learn_include){ "runtime/base", &school->base.policy };
	options.includes = &school->include;
	options.include_count = 1;
	options.secrets = &school->secrets.policy;
	assert_int_equal(policy_learner_new(&options, &school->learner), 0);
}

static void school_close(struct school *school)
{
	policy_learner_free(school->learner);
	made_free(&school->base);
	made_free(&school->secrets);
}
#define _cleanup_school_ _cleanup_(school_close)

static void call(struct school *school, const char *tool, const char *arguments)
{
	assert_int_equal(policy_learn_call(school->learner, tool, tool ? strlen(tool) : 0,
					   arguments, arguments ? strlen(arguments) : 0, "/srv"),
			 0);
}

static void touch_as(struct school *school, uint8_t verbs, const char *path, bool directory,
		     bool passing, bool to_base)
{
	const struct policy_learn_access access = {
		.access = { .kind = POLICY_ACCESS_PATH,
			    .verbs = verbs,
			    .name = path,
			    .name_size = strlen(path) },
		.directory = directory,
		.passing = passing,
	};

	assert_int_equal(policy_learn_access(school->learner, &access, to_base), 0);
}

static void touch(struct school *school, enum mf_pol_verb verb, const char *path)
{
	touch_as(school, (uint8_t)MF_POL_BIT(verb), path, false, false, false);
}

static void reach(struct school *school, const uint8_t addr[4], uint16_t port)
{
	struct policy_learn_access access = { .access = { .kind = POLICY_ACCESS_ADDRESS,
							  .verbs = MF_POL_BIT(MF_POL_CONNECT),
							  .family = 4,
							  .port = port } };

	memcpy(access.access.addr, addr, 4);
	assert_int_equal(policy_learn_access(school->learner, &access, false), 0);
}

static void print(struct school *school, struct buf *ret_text)
{
	assert_int_equal(policy_learn_print(school->learner, ret_text), 0);
	assert_int_equal(buf_append(ret_text, "", 1), 0);
}

static const char *text_of(const struct buf *text)
{
	return (const char *)buf_bytes(text);
}

/* What is learned, without the head: from the first block on. */
static void learned_is(struct school *school, const char *expected)
{
	_cleanup_buf_ struct buf text = { 0 };
	const char *blocks;

	print(school, &text);
	blocks = strstr(text_of(&text), "\nbase\n");
	assert_non_null(blocks);
	assert_string_equal(blocks + 1, expected);
}

static void each_tool_has_a_block_and_base_what_is_of_no_call(void **state)
{
	_cleanup_school_ struct school school;

	school_open(&school);
	call(&school, NULL, NULL);
	touch(&school, MF_POL_EXEC, "/opt/server");
	call(&school, "b", "{}");
	touch(&school, MF_POL_READ, "/srv/x");
	touch(&school, MF_POL_READ, "/srv/x");
	call(&school, "a", "{}");
	touch(&school, MF_POL_WRITE, "/srv/y");
	reach(&school, (const uint8_t[]){ 198, 51, 100, 7 }, 443);
	call(&school, "b", "{}");
	touch(&school, MF_POL_READ, "/srv/x");
	touch(&school, MF_POL_EXEC, "/usr/bin/dash");
	learned_is(&school, "base\n"
			    "  include secrets\n"
			    "  exec    /opt/server  # 1 use\n"
			    "\n"
			    "tool a                      # 1 call\n"
			    "  write   /srv/y            # 1 use in 1 call\n"
			    "  connect 198.51.100.7:443  # 1 use in 1 call\n"
			    "\n"
			    "tool b                               # 2 calls\n"
			    "  read    /srv/x                     # 3 uses in 2 calls\n"
			    "  exec    /usr/bin/dash interpreter  # 1 use in 1 call\n");
}

static void what_an_argument_names_is_bound_to_it(void **state)
{
	_cleanup_school_ struct school school;

	school_open(&school);
	call(&school, "read", "{\"path\":\"/srv/a\",\"n\":1}");
	touch(&school, MF_POL_READ, "/srv/a");
	call(&school, "read", "{\"path\":\"sub/b\",\"n\":1}"); /* of the server's directory */
	touch(&school, MF_POL_READ, "/srv/sub/b");
	touch(&school, MF_POL_READ, "/srv/index");
	call(&school, "find", "{\"in\":{\"dirs\":[\"/srv/d\",\"/srv/e\"]}}");
	touch(&school, MF_POL_READ, "/srv/e/f/g");
	call(&school, "get", "{\"url\":\"http://198.51.100.7:8080/x\",\"path\":\"/etc\"}");
	reach(&school, (const uint8_t[]){ 198, 51, 100, 7 }, 8080);
	touch(&school, MF_POL_READ, "/etc/x"); /* who says /etc does not mean all in it */
	learned_is(&school, "base\n"
			    "  include secrets\n"
			    "\n"
			    "tool find                 # 1 call\n"
			    "  read    ${arg.in.dirs}  # 1 use\n"
			    "\n"
			    "tool get              # 1 call\n"
			    "  read    /etc/x      # 1 use in 1 call\n"
			    "  connect ${arg.url}  # 1 use\n"
			    "\n"
			    "tool read              # 2 calls\n"
			    "  read    ${arg.path}  # 2 uses\n"
			    "  read    /srv/index   # 1 use in 1 call\n");
}

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

static void arguments_by_names_that_a_policy_would_not_write_are_passed_over(void **state)
{
	static const char *const arguments[] = {
		"{\"a b\":\"/srv/a\"}",
		"{\"\":\"/srv/a\"}",
		"{\"a.b\":\"/srv/a\"}",
		"{\"${x}\":\"/srv/a\"}",
		"[\"/srv/a\"]",
		"\"/srv/a\"",
		"{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":{\"i\":{\"j\":\"/srv/"
		"a\"}}}}}}}}}}",
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
			    "  # left out: allow mount (3 uses)\n"
			    "  # left out: allow ptrace (1 use)\n");
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

static void secrets_and_wide_directories_are_left_out_and_told(void **state)
{
	_cleanup_school_ struct school school;

	school_open(&school);
	call(&school, "t", "{\"path\":\"/home/ada/.ssh/id\"}");
	touch(&school, MF_POL_READ, "/home/ada/.ssh/id");
	touch_as(&school, MF_POL_BIT(MF_POL_READ), "/home/ada", true, false, false);
	learned_is(&school, "base\n"
			    "  include secrets\n"
			    "\n"
			    "tool t  # 1 call\n"
			    "  # left out, a directory is its whole tree: /home/ada (1 use)\n"
			    "  # left out, secret: /home/ada/.ssh/id (1 use)\n");
}

static void runtime_files_are_an_include(void **state)
{
	_cleanup_school_ struct school school;

	school_open(&school);
	call(&school, NULL, NULL);
	touch(&school, MF_POL_READ, "/usr/lib/libc.so.6");
	touch(&school, MF_POL_READ, "/usr/lib/libm.so.6");
	touch(&school, MF_POL_READ, "/etc/hosts");
	touch(&school, MF_POL_WRITE, "/dev/null");
	touch(&school, MF_POL_READ, "/srv/app.js");
	call(&school, "t", NULL);
	touch(&school, MF_POL_READ, "/usr/lib/libz.so.1");
	learned_is(&school, "base\n"
			    "  include runtime/base\n"
			    "  include secrets\n"
			    "  read    /srv/app.js  # 1 use\n"
			    "\n"
			    "tool t  # 1 call\n");
}

static void what_comes_after_the_reply_is_allowed_in_base(void **state)
{
	_cleanup_school_ struct school school;

	school_open(&school);
	call(&school, "t", NULL);
	touch_as(&school, MF_POL_BIT(MF_POL_WRITE), "/srv/late", false, false, true);
	learned_is(&school, "base\n"
			    "  include secrets\n"
			    "  write   /srv/late  # 1 use\n"
			    "\n"
			    "tool t  # 1 call\n");
}

static void touch_unsure(struct school *school, uint64_t event, const char *path)
{
	const struct policy_learn_access access = {
		.access = { .kind = POLICY_ACCESS_PATH,
			    .verbs = MF_POL_BIT(MF_POL_WRITE),
			    .name = path,
			    .name_size = strlen(path) },
		.event = event,
	};

	assert_int_equal(policy_learn_access(school->learner, &access, false), 0);
}

static void what_may_be_of_several_calls_needs_no_line_where_one_has_it(void **state)
{
	_cleanup_school_ struct school school;

	school_open(&school);
	call(&school, "save", "{\"path\":\"/srv/a\"}");
	touch(&school, MF_POL_WRITE, "/srv/a");
	touch_unsure(&school, 7, "/srv/a");
	touch_unsure(&school, 8, "/srv/b");
	call(&school, "load", "{}");
	touch_unsure(&school, 7, "/srv/a");
	touch_unsure(&school, 8, "/srv/b");
	learned_is(&school, "base\n"
			    "  include secrets\n"
			    "\n"
			    "tool load         # 1 call\n"
			    "  write   /srv/b  # 1 use in 1 call, possibly of another tool\n"
			    "\n"
			    "tool save              # 1 call\n"
			    "  write   ${arg.path}  # 1 use\n"
			    "  write   /srv/b       # 1 use in 1 call, possibly of another tool\n");
}

static void names_from_outside_are_quoted_and_mean_themselves(void **state)
{
	static const char *const names[] = { "a b",	     "x\n  exec /", "\"",
					     "# c",	     "${arg.x}",    "*",
					     "fs/*",	     "\\x41",	    "\xff\xfe",
					     "\xe2\x80\xae", "\tt\r",	    "caf\xc3\xa9" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_school_ struct school school;
		_cleanup_made_ struct made made = { 0 };
		_cleanup_buf_ struct buf text = { 0 };
		struct policy_decision decision;
		struct policy_request request;
		struct policy_state state_of = { .requests = &request,
						 .request_count = 1,
						 .mode = MF_POL_ENFORCE };
		struct policy_access access = { .kind = POLICY_ACCESS_PATH,
						.verbs = MF_POL_BIT(MF_POL_READ) };
		char path[64];

		school_open(&school);
		snprintf(path, sizeof(path), "/srv/%s", names[i]);
		call(&school, names[i], NULL);
		touch(&school, MF_POL_READ, path);
		print(&school, &text);
		make_in(&world, text_of(&text), &made);
		request = (struct policy_request){
			.block = policy_tool_block(&made.policy, names[i], strlen(names[i]))
		};
		assert_int_not_equal(request.block, MF_POL_DEFAULT);
		assert_int_equal(policy_tool_block(&made.policy, "other", 5), MF_POL_DEFAULT);
		access.name = path;
		access.name_size = strlen(path);
		policy_decide(&made.policy, &state_of, &access, &decision);
		assert_int_equal(decision.verdict, MF_ALLOW);
		access.name = "/srv/other";
		access.name_size = 10;
		policy_decide(&made.policy, &state_of, &access, &decision);
		assert_int_equal(decision.verdict, MF_DENY);
	}
}

static void the_text_is_in_the_one_layout(void **state)
{
	_cleanup_school_ struct school school;
	_cleanup_buf_ struct buf text = { 0 }, again = { 0 };

	school_open(&school);
	call(&school, "t", "{\"path\":\"/srv/a\"}");
	touch(&school, MF_POL_READ, "/srv/a");
	touch(&school, MF_POL_EXEC, "/usr/bin/env");
	print(&school, &text);
	assert_int_equal(policy_format(text_of(&text), strlen(text_of(&text)), &again), 0);
	assert_int_equal(buf_append(&again, "", 1), 0);
	assert_string_equal(text_of(&text), text_of(&again));
}

static void a_name_that_can_have_no_block_is_counted(void **state)
{
	_cleanup_school_ struct school school;
	_cleanup_buf_ struct buf text = { 0 };

	school_open(&school);
	assert_int_equal(policy_learn_call(school.learner, "", 0, NULL, 0, NULL), 1);
	touch(&school, MF_POL_READ, "/srv/a");
	print(&school, &text);
	assert_non_null(strstr(text_of(&text), "# Not learned: 1 call of tools"));
	assert_null(strstr(text_of(&text), "/srv/a"));
}

/* Random calls --------------------------------------------------------------------------------- */

#define CALLS 12
#define ACCESSES 10

struct random_call {
	char tool[8];
	char arguments[128];
	bool to_base[ACCESSES];
	uint8_t verbs[ACCESSES];
	char paths[ACCESSES][96];
	bool directory[ACCESSES], passing[ACCESSES];
};

static unsigned random_of(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed / 65536 % below;
}

static void random_path(unsigned *seed, char *ret_path)
{
	static const char *const names[] = { "home", "ada", ".ssh", "srv", "a", "b",
					     "c",    "tmp", "usr",  "lib", "d", "node_modules" };
	unsigned depth = 1 + random_of(seed, 4);

	for (*ret_path = '\0'; depth--;)
		ret_path += sprintf(ret_path, "/%s", names[random_of(seed, ARRAY_LEN(names))]);
}

static void random_calls(unsigned seed, struct random_call *calls)
{
	for (size_t i = 0; i < CALLS; i++) {
		char first[96], second[96];

		snprintf(calls[i].tool, sizeof(calls[i].tool), "t%u", random_of(&seed, 3));
		random_path(&seed, first);
		random_path(&seed, second);
		snprintf(calls[i].arguments, sizeof(calls[i].arguments),
			 "{\"p\":\"%.40s\",\"q\":[\"%.40s\"]}", first, second);
		for (size_t k = 0; k < ACCESSES; k++) {
			random_path(&seed, calls[i].paths[k]);
			if (random_of(&seed, 3) == 0)
				strcpy(calls[i].paths[k], random_of(&seed, 2) ? first : second);
			calls[i].verbs[k] = (uint8_t)MF_POL_BIT(random_of(&seed, 3));
			calls[i].directory[k] = random_of(&seed, 6) == 0;
			calls[i].passing[k] = random_of(&seed, 8) == 0;
			calls[i].to_base[k] = random_of(&seed, 6) == 0;
		}
	}
}

static void learn(struct school *school, const struct random_call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		call(school, calls[i].tool, calls[i].arguments);
		for (size_t k = 0; k < ACCESSES; k++)
			touch_as(school, calls[i].verbs[k], calls[i].paths[k],
				 calls[i].directory[k], calls[i].passing[k], calls[i].to_base[k]);
	}
}

static bool is_left_out(const struct school *school, const char *path)
{
	static const struct fold_place place = { .home = "/home/ada" };
	size_t size = strlen(path);

	return policy_fold_is_wide(&place, path, size) ||
	       policy_path_answer(&school->secrets.policy, MF_POL_BASE, path, size, NULL)->deny;
}

/* Every access of `calls` that was not left out is allowed, in the state that it was seen in. */
static void all_pass(const struct school *school, const struct made *made,
		     const struct random_call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct policy_request request = {
			.block = policy_tool_block(&made->policy, calls[i].tool,
						   strlen(calls[i].tool)),
		};
		const struct policy_grant_call grant_call = {
			.block = request.block,
			.arguments = calls[i].arguments,
			.arguments_size = strlen(calls[i].arguments),
			.cwd = "/srv",
		};
		_cleanup_buf_ struct buf image = { 0 };
		struct policy granted;

		assert_int_equal(policy_grant_build(&made->policy, &grant_call, &image, NULL), 0);
		policy_view(buf_bytes(&image), &granted);
		request.grants = &granted;
		for (size_t k = 0; k < ACCESSES; k++) {
			const struct policy_state state = { .requests = &request,
							    .request_count = !calls[i].to_base[k],
							    .mode = MF_POL_ENFORCE };
			const struct policy_access access = { .kind = POLICY_ACCESS_PATH,
							      .verbs = calls[i].verbs[k],
							      .name = calls[i].paths[k],
							      .name_size =
								      strlen(calls[i].paths[k]) };
			struct policy_decision decision;

			if (is_left_out(school, calls[i].paths[k]))
				continue;
			policy_decide(&made->policy, &state, &access, &decision);
			if (decision.verdict != MF_ALLOW)
				print_error("%s %s: %s of %s\n", calls[i].tool, calls[i].arguments,
					    policy_verbs[__builtin_ctz(calls[i].verbs[k])].word,
					    calls[i].paths[k]);
			assert_int_equal(decision.verdict, MF_ALLOW);
		}
	}
}

static void more_calls_never_take_away_what_an_earlier_one_used(void **state)
{
	for (unsigned seed = 1; seed <= 200; seed++) {
		struct random_call calls[CALLS];

		random_calls(seed, calls);
		for (size_t count = 1; count <= CALLS; count += 3) {
			_cleanup_school_ struct school school;
			_cleanup_made_ struct made made = { 0 };
			_cleanup_buf_ struct buf text = { 0 };

			school_open(&school);
			learn(&school, calls, count);
			print(&school, &text);
			make_in(&world, text_of(&text), &made);
			all_pass(&school, &made, calls, count);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_tool_has_a_block_and_base_what_is_of_no_call),
		cmocka_unit_test(what_an_argument_names_is_bound_to_it),
		cmocka_unit_test(
			an_address_is_bound_only_where_its_spelling_means_that_address_alone),
		cmocka_unit_test(arguments_by_names_that_a_policy_would_not_write_are_passed_over),
		cmocka_unit_test(what_is_reached_otherwise_has_lines_of_its_own),
		cmocka_unit_test(equal_ones_of_several_calls_are_one_line_each),
		cmocka_unit_test(what_may_be_of_two_calls_is_told_so_whatever_it_is),
		cmocka_unit_test(secrets_and_wide_directories_are_left_out_and_told),
		cmocka_unit_test(runtime_files_are_an_include),
		cmocka_unit_test(what_comes_after_the_reply_is_allowed_in_base),
		cmocka_unit_test(what_may_be_of_several_calls_needs_no_line_where_one_has_it),
		cmocka_unit_test(names_from_outside_are_quoted_and_mean_themselves),
		cmocka_unit_test(the_text_is_in_the_one_layout),
		cmocka_unit_test(a_name_that_can_have_no_block_is_counted),
		cmocka_unit_test(more_calls_never_take_away_what_an_earlier_one_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
