/* SPDX-License-Identifier: BSD-2-Clause */
#include "school.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/format.h"
#include "policy/grant.h"

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
			    "  write   ${arg.path}  # 2 uses\n"
			    "  write   /srv/b       # 1 use in 1 call, possibly of another tool\n");
}

/* Whose it is said to be may change from run to run; a call that names it is told by its own argument. */
static void what_may_be_of_several_calls_stays_with_each_that_names_it(void **state)
{
	_cleanup_school_ struct school school;

	school_open(&school);
	call(&school, "save", "{\"path\":\"/srv/a\"}");
	touch(&school, MF_POL_WRITE, "/srv/a");
	touch_unsure(&school, 7, "/srv/a");
	call(&school, "move", "{\"source\":\"/srv/a\"}");
	touch_unsure(&school, 7, "/srv/a");
	call(&school, "load", "{}");
	touch_unsure(&school, 7, "/srv/a");
	learned_is(&school, "base\n"
			    "  include secrets\n"
			    "\n"
			    "tool load  # 1 call\n"
			    "\n"
			    "tool move                # 1 call\n"
			    "  write   ${arg.source}  # 1 use\n"
			    "\n"
			    "tool save              # 1 call\n"
			    "  write   ${arg.path}  # 2 uses\n");
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
		make_in(&school_world, text_of(&text), &made);
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
			make_in(&school_world, text_of(&text), &made);
			all_pass(&school, &made, calls, count);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_tool_has_a_block_and_base_what_is_of_no_call),
		cmocka_unit_test(what_an_argument_names_is_bound_to_it),
		cmocka_unit_test(secrets_and_wide_directories_are_left_out_and_told),
		cmocka_unit_test(runtime_files_are_an_include),
		cmocka_unit_test(what_comes_after_the_reply_is_allowed_in_base),
		cmocka_unit_test(what_may_be_of_several_calls_needs_no_line_where_one_has_it),
		cmocka_unit_test(what_may_be_of_several_calls_stays_with_each_that_names_it),
		cmocka_unit_test(names_from_outside_are_quoted_and_mean_themselves),
		cmocka_unit_test(the_text_is_in_the_one_layout),
		cmocka_unit_test(a_name_that_can_have_no_block_is_counted),
		cmocka_unit_test(more_calls_never_take_away_what_an_earlier_one_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
