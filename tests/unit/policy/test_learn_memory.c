/* SPDX-License-Identifier: BSD-2-Clause */
/* Want of memory where a policy is learned, compared or laid out: told, and nothing leaks. */
#include "policies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "policy/diff.h"
#include "policy/format.h"
#include "policy/learn.h"
#include "policy/load.h"
#include "want.h"

/* Until all places are behind, and nothing fails any more. */
static void each_place(int (*work)(void *data), void *data)
{
	bool failed = true;

	want_after(-1);
	assert_int_equal(work(data), 0);
	for (long places = 0; failed; places++) {
		int r;

		want_after(places);
		r = work(data);
		failed = want_was_felt();
		want_after(-1);
		if (r != (failed ? -ENOMEM : 0))
			print_error("place %ld\n", places);
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_true(failed || places > 5);
	}
}

static const struct include_there includes[] = {
	{ "runtime/base", "version 1\nblock runtime/base\n  read /usr/lib\n  exec /usr/lib\n" },
	{ "secrets",
	  "version 1\nblock secrets\n  deny /home/ada/.ssh\n  deny connect 192.0.2.9:*\n" },
	{ NULL, NULL },
};
static const struct world world = { .includes = includes, .home = "/home/ada" };

struct school {
	struct made base, secrets;
	struct policy_learn_include include;
	struct policy_learn_options options;
};

/* What one call did, and in which tool's name. */
static const struct seen {
	const char *tool, *arguments;
	struct policy_learn_access access;
	bool to_base;
} seen[] = {
#define PATH(text, verb, ...)                                \
	{                                                    \
		.access = { .kind = POLICY_ACCESS_PATH,      \
			    .verbs = MF_POL_BIT(verb),       \
			    .name = (text),                  \
			    .name_size = sizeof(text) - 1 }, \
		__VA_ARGS__                                  \
	}
	{ NULL, NULL, PATH("/usr/lib/a.so", MF_POL_READ), false },
	{ NULL, NULL, PATH("/srv/app/main.js", MF_POL_READ), false },
	{ "read", "{\"path\":\"docs/a\",\"deep\":{\"list\":[\"/srv/docs/b\",7]}}",
	  PATH("/srv/docs/a", MF_POL_READ), false },
	{ "read", "{\"path\":\"docs/a\",\"deep\":{\"list\":[\"/srv/docs/b\",7]}}",
	  PATH("/srv/docs/b", MF_POL_READ, .event = 5, .uses = 3), false },
	{ "read", "{\"path\":\"docs/b\"}", PATH("/srv/docs/b", MF_POL_READ, .event = 5), false },
	{ "read", "{", PATH("/srv/docs", MF_POL_READ, .directory = true), false },
	{ "read", NULL, PATH("/home/ada/.ssh/id", MF_POL_READ), false },
	{ "read", NULL, PATH("/home/ada/odd \"name\"\n", MF_POL_READ), true },
	{ "write", "{\"out\":\"/srv/out/x\",\"url\":\"http://192.0.2.1:80/\"}",
	  PATH("/srv/out/x", MF_POL_WRITE), false },
	{ "write", "{\"out\":\"/srv/out/x\"}",
	  PATH("/srv/out/tmp.1", MF_POL_WRITE, .passing = true), false },
	{ "write", NULL, PATH("/bin/sh", MF_POL_EXEC), false },
	{ "write",
	  "{\"url\":\"http://192.0.2.1:80/\"}",
	  { .access = { .kind = POLICY_ACCESS_ADDRESS,
			.verbs = MF_POL_BIT(MF_POL_CONNECT),
			.family = 4,
			.addr = { 192, 0, 2, 1 },
			.port = 80 } },
	  false },
	{ "write",
	  NULL,
	  { .access = { .kind = POLICY_ACCESS_ADDRESS,
			.verbs = MF_POL_BIT(MF_POL_LISTEN),
			.family = 6,
			.addr = { [15] = 1 },
			.port = 8080 } },
	  false },
	{ "write",
	  NULL,
	  { .access = { .kind = POLICY_ACCESS_ABSTRACT,
			.verbs = MF_POL_BIT(MF_POL_CONNECT),
			.name = "name\0x",
			.name_size = 6 } },
	  false },
	{ "write",
	  NULL,
	  { .access = { .kind = POLICY_ACCESS_PATH,
			.verbs = MF_POL_BIT(MF_POL_CONNECT),
			.name = "/run/x.sock",
			.name_size = 11 } },
	  false },
	{ "write",
	  NULL,
	  { .access = { .kind = POLICY_ACCESS_ESCAPE, .escape = MF_POL_PTRACE } },
	  false },
};

static int learn(void *data)
{
	const struct school *school = data;
	_cleanup_policy_learner_ struct policy_learner *learner = NULL;
	_cleanup_buf_ struct buf text = { 0 };
	int r = policy_learner_new(&school->options, &learner);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(seen); i++) {
		const struct seen *what = &seen[i];

		r = policy_learn_call(learner, what->tool, what->tool ? strlen(what->tool) : 0,
				      what->arguments,
				      what->arguments ? strlen(what->arguments) : 0, "/srv");
		if (r == 0)
			r = policy_learn_access(learner, &what->access, what->to_base);
	}
	return r ? r : policy_learn_print(learner, &text);
}

static void a_policy_that_is_learned(void **state)
{
	struct school school = { 0 };

	make_in(&world, "version 1\nbase\n  include runtime/base\n", &school.base);
	make_in(&world, "version 1\nbase\n  include secrets\n", &school.secrets);
	school.include = (struct policy_learn_include){ "runtime/base", &school.base.policy };
	school.options = (struct policy_learn_options){ .place = { .home = "/home/ada" },
							.includes = &school.include,
							.include_count = 1,
							.secrets = &school.secrets.policy };
	each_place(learn, &school);
	made_free(&school.base);
	made_free(&school.secrets);
}

static int print_change(void *data, const struct policy_change *change)
{
	_cleanup_buf_ struct buf out = { 0 };

	return buf_append_str(&out, change->access ? change->access : "");
}

static int differ(void *data)
{
	const struct made *sides = data;
	const struct policy_side before = { sides[0].tree, &sides[0].policy };
	const struct policy_side after = { sides[1].tree, &sides[1].policy };

	return policy_diff(&before, &after, print_change, NULL);
}

static void two_policies_that_are_compared(void **state)
{
	static const struct host_there hosts[] = { { "a.test", "192.0.2.7 2001:db8::7" },
						   { "b.test", "192.0.2.7" },
						   { NULL, NULL } };
	const struct world world_of_hosts = { .hosts = hosts };
	struct made sides[2] = { 0 };

	make_in(&world_of_hosts,
		"version 1\ndefault audit\nbase\n  read /usr\ntool a\n  read /a\n  connect "
		"192.0.2.0/24:80\n"
		"  connect unix:/run/a\n  read ${arg.path}\n  allow mount\n  connect a.test:443\n  "
		"connect *:1-9\n"
		"  connect b.test:*\n  listen [::1]:80\ntool fs/*\n  write /f\ntool *\n  read "
		"/any\n",
		&sides[0]);
	make_in(&world_of_hosts,
		"version 1\nbase\n  read /usr/lib\ntool a\n  mode audit\n  write /a\n  deny /a/b\n"
		"  connect 192.0.2.0/25:1-90\n  connect [2001:db8::/32]:443\n  connect unix:@n\n"
		"  write ${arg.out}\n  allow ptrace\ntool b\n  exec /b\nceiling\n  write /\n  exec "
		"/b\n",
		&sides[1]);
	each_place(differ, sides);
	made_free(&sides[0]);
	made_free(&sides[1]);
}

static int lay_out(void *data)
{
	_cleanup_buf_ struct buf out = { 0 };

	return policy_format(data, strlen(data), &out);
}

static void a_text_that_is_laid_out(void **state)
{
	static char text[] = "# top\nversion 1 # one\n\n\nbase # the server\nread \"/a b\" # two\n"
			     "raed \"x\n\ttool t\n deny read /x\n# last";

	each_place(lay_out, text);
}

static int load(void *data)
{
	const char *const files[] = { data };
	const struct policy_load options = { .home = "/home/ada", .search = "/nowhere" };
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;
	size_t file;

	return policy_load(files, 1, &options, &tree, &file);
}

static void put(const char *name, const char *text)
{
	_cleanup_file_ FILE *file = fopen(name, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static void a_policy_that_is_read_from_disk(void **state)
{
	char place[] = "/tmp/test-policy-memory-XXXXXX", name[64], other[64], link[64];
	char text[256];

	assert_non_null(mkdtemp(place));
	snprintf(name, sizeof(name), "%s/p.policy", place);
	snprintf(other, sizeof(other), "%s/near.policy", place);
	snprintf(link, sizeof(link), "%s/link", place);
	snprintf(text, sizeof(text), "version 1\nbase\n  include near\n  read %s\n  read %s\n",
		 link, place);
	put(name, text);
	put(other, "version 1\nblock near\n  read /near\n");
	assert_int_equal(symlink("near.policy", link), 0);
	each_place(load, name);
	unlink(link);
	unlink(other);
	unlink(name);
	rmdir(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_that_is_learned),
		cmocka_unit_test(two_policies_that_are_compared),
		cmocka_unit_test(a_text_that_is_laid_out),
		cmocka_unit_test(a_policy_that_is_read_from_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
