/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

#include <errno.h>
#include <string.h>

#include "policy/advice.h"

#define CALLS_MAX 80

/* What is told of reading /x while `count` calls of unknown tools, or of t, are in flight. */
static struct policy_advice advice_on(const struct made *made, const char *tool, size_t count,
				      bool strict)
{
	struct policy_request requests[CALLS_MAX] = { 0 };
	const struct policy_state state = { .requests = requests,
					    .request_count = count,
					    .strict = strict,
					    .mode = MF_POL_ENFORCE };
	const struct policy_access access = { .kind = POLICY_ACCESS_PATH,
					      .verbs = MF_POL_BIT(MF_POL_READ),
					      .name = "/x",
					      .name_size = 2 };
	struct policy_advice advice;

	for (size_t i = 0; i < count; i++)
		requests[i].block = policy_tool_block(&made->policy, tool, strlen(tool));
	policy_advise(&made->policy, &state, &access, &advice);
	return advice;
}

static const char *line_for(const struct policy_access *access, enum mf_pol_verb verb,
			    const char *host)
{
	static struct buf out;
	int r;

	buf_reset(&out, 0);
	r = policy_advice_line(&out, access, verb, host, "/work", "/home/ada");
	if (r == -ENOENT) {
		assert_int_equal(buf_size(&out), 0);
		return "none";
	}
	assert_int_equal(r, 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	return (const char *)buf_bytes(&out);
}

static const char *line_of_path(const char *path, enum mf_pol_verb verb)
{
	const struct policy_access access = { .kind = POLICY_ACCESS_PATH,
					      .name = path,
					      .name_size = strlen(path) };

	return line_for(&access, verb, NULL);
}

static void what_is_allowed_or_only_watched_needs_no_advice(void **state)
{
	_cleanup_made_ struct made made = { 0 }, watched = { 0 };
	struct policy_advice advice;

	make("version 1\nbase\n  read /x\n", &made);
	advice = advice_on(&made, "t", 1, false);
	assert_int_equal(advice.missing_count, 0);
	assert_int_equal(advice.allowing.reason, 0);
	make("version 1\ndefault observe\nbase\n  read /y\n", &watched);
	assert_int_equal(advice_on(&watched, "t", 1, false).missing_count, 0);
}

static void in_strict_mode_each_calls_block_is_told_once(void **state)
{
	_cleanup_made_ struct made made = { 0 };
	struct policy_advice advice;

	make("version 1\nbase\n  read /lib\ntool t\n  read /y\n", &made);
	advice = advice_on(&made, "t", 3, true);
	assert_int_equal(advice.missing_count, 1);
	assert_int_equal(advice.missing[0].request, 0);
	assert_int_equal(advice_on(&made, "t", 3, false).missing_count, 1);
	assert_int_equal(advice_on(&made, "t", 0, true).missing_count, 1);
	/* of tools without a block each has its own */
	assert_int_equal(advice_on(&made, "u", 3, true).missing_count, 3);
	assert_int_equal(advice_on(&made, "u", CALLS_MAX, true).missing_count, POLICY_ADVICE_MAX);
}

static void a_deny_of_an_audited_block_leaves_no_line_that_would_help(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make("version 1\nbase\n  mode audit\n  deny /x\ntool t\n  read /y\n", &made);
	assert_int_equal(advice_on(&made, "t", 1, false).missing_count, 0);
}

static void a_line_is_written_as_the_language_has_it(void **state)
{
	const struct policy_access way_out = { .kind = POLICY_ACCESS_ESCAPE,
					       .escape = MF_POL_PTRACE };
	const struct policy_access abstract = { .kind = POLICY_ACCESS_ABSTRACT,
						.name = "a b\0",
						.name_size = 4 };
	struct policy_access address = { .kind = POLICY_ACCESS_ADDRESS,
					 .family = 6,
					 .addr = { 0x20, 1, [15] = 9 },
					 .port = 443 };

	assert_string_equal(line_of_path("/srv/x", MF_POL_READ), "read /srv/x");
	assert_string_equal(line_of_path("/work", MF_POL_WRITE), "write ${workspace}");
	assert_string_equal(line_of_path("/home/ada/a b", MF_POL_READ), "read ${home}\"/a b\"");
	assert_string_equal(line_of_path("/workshop", MF_POL_READ), "read /workshop");
	assert_string_equal(line_of_path("/bin/x", MF_POL_EXEC), "exec /bin/x");
	assert_string_equal(line_of_path("/bin/bash", MF_POL_EXEC), "exec /bin/bash interpreter");
	assert_string_equal(line_of_path("/bin/bash", MF_POL_READ), "read /bin/bash");
	assert_string_equal(line_of_path("/run/x", MF_POL_CONNECT), "connect unix:/run/x");
	assert_string_equal(line_for(&abstract, MF_POL_LISTEN, NULL), "listen unix:@\"a b\\x00\"");
	assert_string_equal(line_for(&way_out, MF_POL_READ, NULL), "allow ptrace");
	assert_string_equal(line_for(&address, MF_POL_CONNECT, NULL), "connect [2001::9]:443");
	assert_string_equal(line_for(&address, MF_POL_CONNECT, "a.test"), "connect a.test:443");
	address.port = 0;
	assert_string_equal(line_for(&address, MF_POL_LISTEN, NULL), "listen [2001::9]:0");
}

static void what_no_line_can_say_is_not_suggested(void **state)
{
	char path[MF_PATH_MAX + 1] = "/";
	const struct policy_access address = { .kind = POLICY_ACCESS_ADDRESS, .family = 4 };
	const struct policy_access way_out = { .kind = POLICY_ACCESS_ESCAPE,
					       .escape = MF_POL_ESCAPE_MAX };
	const struct policy_access unnamed = { .kind = POLICY_ACCESS_ABSTRACT, .name = "" };
	const struct policy_access endless = { .kind = POLICY_ACCESS_ABSTRACT,
					       .name = path,
					       .name_size = MF_POL_ABSTRACT_MAX + 1 };

	memset(path + 1, 'y', MF_PATH_MAX - 1);
	path[MF_PATH_MAX] = '\0';
	assert_string_equal(line_of_path(path, MF_POL_READ), "none");
	assert_string_equal(line_for(&address, MF_POL_CONNECT, NULL), "none");
	assert_string_equal(line_for(&way_out, MF_POL_READ, NULL), "none");
	assert_string_equal(line_for(&unnamed, MF_POL_CONNECT, NULL), "none");
	assert_string_equal(line_for(&endless, MF_POL_CONNECT, NULL), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_allowed_or_only_watched_needs_no_advice),
		cmocka_unit_test(in_strict_mode_each_calls_block_is_told_once),
		cmocka_unit_test(a_deny_of_an_audited_block_leaves_no_line_that_would_help),
		cmocka_unit_test(a_line_is_written_as_the_language_has_it),
		cmocka_unit_test(what_no_line_can_say_is_not_suggested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
