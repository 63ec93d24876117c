/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "policy/learn_fold.h"

static const struct fold_place place = { .home = "/home/ada", .workspace = "/home/ada/work" };

/*
 * Folds the paths of a text, one a line: "d " before it, it was opened as a directory; "t ", it was
 * made and went away. The lines come back with blanks between, "(…)" around what is left out.
 */
static void fold(enum mf_pol_verb verb, const char *text, struct buf *ret_lines)
{
	struct fold_path paths[64];
	size_t count = 0;

	while (*text) {
		size_t size = strcspn(text, "\n");
		struct fold_path *path = &paths[count++];

		assert_true(count < 64);
		*path = (struct fold_path){ .uses = 1, .calls = 1, .paths = 1 };
		path->tree = text[0] == 'd';
		path->passing = text[0] == 't';
		path->path = text + (text[0] == '/' ? 0 : 2);
		path->size = size - (text[0] == '/' ? 0 : 2);
		text += size + (text[size] == '\n');
	}
	policy_fold(&place, verb, paths, &count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(buf_printf(ret_lines, paths[i].left_out ? "%s(%.*s)" : "%s%.*s",
					    i ? " " : "", (int)paths[i].size, paths[i].path),
				 0);
	assert_int_equal(buf_append(ret_lines, "", 1), 0);
}

static void folded_is(enum mf_pol_verb verb, const char *text, const char *expected)
{
	_cleanup_buf_ struct buf lines = { 0 };

	fold(verb, text, &lines);
	assert_string_equal((const char *)buf_bytes(&lines), expected);
}

static void few_files_stay_files(void **state)
{
	folded_is(MF_POL_READ, "/srv/docs/a\n/srv/docs/b\n/srv/docs/c\n/srv/docs/a",
		  "/srv/docs/a /srv/docs/b /srv/docs/c");
}

static void four_files_of_a_directory_are_the_directory(void **state)
{
	folded_is(MF_POL_READ, "/srv/docs/a\n/srv/docs/b\n/srv/docs/c\n/srv/docs/d\n/srv/docs2/x",
		  "/srv/docs /srv/docs2/x");
}

static void directories_are_folded_upwards_in_turn(void **state)
{
	folded_is(MF_POL_READ,
		  "d /srv/app/a\nd "
		  "/srv/app/b\n/srv/app/c/1\n/srv/app/c/2\n/srv/app/c/3\n/srv/app/c/4\n"
		  "/srv/app/x",
		  "/srv/app");
	/* a file deep below says nothing about the directory that its directory is in */
	folded_is(MF_POL_READ, "/srv/app/a/1\n/srv/app/b/1\n/srv/app/c/1\n/srv/app/d/1",
		  "/srv/app/a/1 /srv/app/b/1 /srv/app/c/1 /srv/app/d/1");
}

static void a_wide_directory_is_never_a_line(void **state)
{
	folded_is(MF_POL_READ, "/etc/a\n/etc/b\n/etc/c\n/etc/d\n/etc/e",
		  "/etc/a /etc/b /etc/c /etc/d /etc/e");
	folded_is(MF_POL_READ, "/home/ada/a\n/home/ada/b\n/home/ada/c\n/home/ada/d",
		  "/home/ada/a /home/ada/b /home/ada/c /home/ada/d");
	folded_is(MF_POL_READ,
		  "d /home/a\nd /home/b\nd /home/c\nd /home/d\nd /\nd /home\nd /home/ada",
		  "(/) (/home) (/home/a) (/home/ada) (/home/b) (/home/c) (/home/d)");
	folded_is(MF_POL_WRITE, "/tmp/a\n/tmp/b\n/tmp/c\n/tmp/d", "/tmp/a /tmp/b /tmp/c /tmp/d");
	folded_is(MF_POL_READ, "/a\n/b\n/c\n/d", "/a /b /c /d");
	folded_is(MF_POL_READ, "d /proc/1\nd /proc/sys\nd /home/ada/.config\n/home/ada/.cache/a",
		  "/home/ada/.cache/a (/home/ada/.config) (/proc/1) (/proc/sys)");
}

static void without_a_home_that_is_one_only_what_is_always_wide_is(void **state)
{
	static const char *const homes[] = { NULL, "", "/" };

	for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++) {
		const struct fold_place there = { .home = homes[i] };

		assert_true(policy_fold_is_wide(&there, "/", 1));
		assert_true(policy_fold_is_wide(&there, "/etc", 4));
		assert_false(policy_fold_is_wide(&there, "/srv/somebody/x", 15));
	}
}

static void what_the_home_is_in_is_wide_and_what_is_called_alike_is_not(void **state)
{
	static const struct fold_place there = { .home = "/data/people/ada" };

	assert_true(policy_fold_is_wide(&there, "/data", 5));
	assert_true(policy_fold_is_wide(&there, "/data/people", 12));
	assert_true(policy_fold_is_wide(&there, "/data/people/ada", 16));
	assert_false(policy_fold_is_wide(&there, "/data/peop", 10));
	assert_false(policy_fold_is_wide(&there, "/elsewhere", 10));
	assert_false(policy_fold_is_wide(&there, "/data/people/eve/x", 18));
	assert_true(policy_fold_is_wide(&there, "/data/people/ada/.config", 24));
	assert_false(policy_fold_is_wide(&there, "/data/people/adam", 17));
	assert_false(policy_fold_is_wide(&there, "/data/people/ada/work", 21));
}

static void an_opened_directory_is_its_tree(void **state)
{
	folded_is(MF_POL_READ, "d /srv/docs\n/srv/docs/a/b\n/srv/docsx", "/srv/docs /srv/docsx");
}

static void a_name_that_passes_stands_for_its_directory(void **state)
{
	folded_is(MF_POL_WRITE, "t /srv/out/f.82ab.tmp\n/srv/out/f", "/srv/out");
	folded_is(MF_POL_WRITE, "t /tmp/x82ab", "/tmp");
	folded_is(MF_POL_WRITE, "t /home/ada/.f.82ab.tmp", "/home/ada/.f.82ab.tmp");
}

static void code_is_read_by_its_tree(void **state)
{
	folded_is(MF_POL_READ,
		  "/opt/x/node_modules/a/package.json\n/opt/x/node_modules/b/node_modules/c/i.js\n"
		  "/usr/lib/python3.11/os.py\n/usr/lib/python3-config/x",
		  "/opt/x/node_modules /usr/lib/python3-config/x /usr/lib/python3.11");
	folded_is(MF_POL_WRITE, "/opt/x/node_modules/a/package.json",
		  "/opt/x/node_modules/a/package.json");
	folded_is(MF_POL_WRITE, "/srv/r/.git/objects/04/1af3\n/srv/r/f", "/srv/r/.git /srv/r/f");
}

static void programs_are_not_folded(void **state)
{
	folded_is(MF_POL_EXEC, "/usr/bin/a\n/opt/x/b\n/opt/x/c\n/opt/x/d\n/opt/x/e",
		  "/opt/x/b /opt/x/c /opt/x/d /opt/x/e /usr/bin/a");
}

static void counts_are_of_all_that_a_line_covers(void **state)
{
	struct fold_path paths[5];
	size_t count = 5;

	for (size_t i = 0; i < 5; i++)
		paths[i] =
			(struct fold_path){ .path = (const char *[]){ "/s/d/a", "/s/d/b", "/s/d/c",
								      "/s/d/d", "/s/d/e/f" }[i],
					    .size = i < 4 ? 6 : 8,
					    .uses = 10,
					    .calls = 2,
					    .paths = 1 };
	policy_fold(&place, MF_POL_READ, paths, &count);
	assert_int_equal(count, 1);
	assert_int_equal(paths[0].uses, 50);
	assert_int_equal(paths[0].calls, 10);
	assert_int_equal(paths[0].paths, 5);
}

static unsigned random_of(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed / 65536 % below;
}

/* Few names, so that directories fill up. */
static size_t random_path(unsigned *seed, char *ret_path)
{
	static const char *const names[] = { "home", "ada", "etc", "srv", "a",	  "b",
					     "c",    "tmp", "d",   "e",	  ".git", "node_modules" };
	unsigned depth = 1 + random_of(seed, 5);
	size_t size = 0;

	while (depth--)
		size += (size_t)sprintf(ret_path + size, "/%s",
					names[random_of(seed, ARRAY_LEN(names))]);
	return size;
}

#define RANDOM_PATHS 60

static bool is_left_out(const struct fold_path *lines, size_t count, const struct fold_path *path)
{
	for (size_t i = 0; i < count; i++) {
		if (lines[i].left_out && lines[i].size == path->size &&
		    memcmp(lines[i].path, path->path, path->size) == 0)
			return true;
	}
	return false;
}

static void more_uses_never_take_anything_away(void **state)
{
	for (unsigned seed = 1; seed <= 3000; seed++) {
		char texts[RANDOM_PATHS][100];
		struct fold_path given[RANDOM_PATHS], lines[RANDOM_PATHS];
		enum mf_pol_verb verb = seed % 3;
		unsigned state_of = seed;

		for (size_t i = 0; i < RANDOM_PATHS; i++) {
			given[i] = (struct fold_path){ .path = texts[i], .uses = 1, .paths = 1 };
			given[i].size = random_path(&state_of, texts[i]);
			given[i].tree = random_of(&state_of, 5) == 0;
			given[i].passing = random_of(&state_of, 7) == 0;
		}
		for (size_t used = 1; used <= RANDOM_PATHS; used += 7) {
			size_t count = used;
			uint64_t uses = 0;

			memcpy(lines, given, sizeof(lines));
			policy_fold(&place, verb, lines, &count);
			for (size_t i = 0; i < count; i++) {
				uses += lines[i].uses;
				if (lines[i].tree && !lines[i].left_out)
					assert_false(policy_fold_is_wide(&place, lines[i].path,
									 lines[i].size));
			}
			assert_int_equal(uses, used);
			for (size_t i = 0; i < used; i++) {
				bool wide =
					policy_fold_is_wide(&place, given[i].path, given[i].size);

				if (wide)
					assert_true(is_left_out(lines, count, &given[i]));
				else
					assert_true(policy_fold_covers(lines, count, given[i].path,
								       given[i].size));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_files_stay_files),
		cmocka_unit_test(four_files_of_a_directory_are_the_directory),
		cmocka_unit_test(directories_are_folded_upwards_in_turn),
		cmocka_unit_test(a_wide_directory_is_never_a_line),
		cmocka_unit_test(without_a_home_that_is_one_only_what_is_always_wide_is),
		cmocka_unit_test(what_the_home_is_in_is_wide_and_what_is_called_alike_is_not),
		cmocka_unit_test(an_opened_directory_is_its_tree),
		cmocka_unit_test(a_name_that_passes_stands_for_its_directory),
		cmocka_unit_test(code_is_read_by_its_tree),
		cmocka_unit_test(programs_are_not_folded),
		cmocka_unit_test(counts_are_of_all_that_a_line_covers),
		cmocka_unit_test(more_uses_never_take_anything_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
