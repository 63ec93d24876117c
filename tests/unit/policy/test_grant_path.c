/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "machine.h"
#include "policy/grant_object.h"

static const char *cwd = "/srv/app";
static bool deny;

static void set_links(struct machine *machine)
{
	machine_link(machine, "/srv/docs/out", "/etc/passwd");
	machine_link(machine, "/srv/docs/up", "..");
	machine_link(machine, "/srv/docs/inner", "a/b");
	machine_link(machine, "/srv/docs/hop", "hop2");
	machine_link(machine, "/srv/docs/hop2", "/srv/docs/end");
	machine_link(machine, "/srv/docs/loop", "loop2");
	machine_link(machine, "/srv/docs/loop2", "loop");
	machine_link(machine, "/srv/docs/broken", "!");
	machine_link(machine, "/srv/current", "/data/v2");
	machine_link(machine, "/data/v2/x", "/etc/shadow");
	machine_link(machine, "/srv/docs-v1", "/srv/secret");
	machine_link(machine, "/srv/app/link", "/home/u/.ssh/id");
}

/* All names of before + value + after, parted by blanks, or why there are none. */
static void expect_bytes(const char *before, const char *value, size_t size, const char *after,
			 const char *expected)
{
	struct policy_template_text text = { before, after, strlen(before), strlen(after) };
	_cleanup_policy_names_ struct policy_names names = { 0 };
	_cleanup_machine_ struct machine machine;
	struct policy_grant_call call = { .cwd = cwd, .world = &machine.world };
	_cleanup_buf_ struct buf out = { 0 };
	int r;

	machine_init(&machine);
	set_links(&machine);
	r = policy_grant_path(&text, value, size, &call, deny, &names);
	assert_true(r >= 0);
	if (r)
		assert_int_equal(buf_append_str(&out, policy_grant_why_word(r)), 0);
	for (size_t i = 0; i < names.count; i++)
		assert_int_equal(buf_printf(&out, "%s%s", i ? " " : "", names.names[i]), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	if (strcmp((const char *)buf_bytes(&out), expected) != 0)
		fail_msg("%s%s%s: %s, expected %s", before, value, after,
			 (const char *)buf_bytes(&out), expected);
}

static void expect_in(const char *before, const char *value, const char *after,
		      const char *expected)
{
	expect_bytes(before, value, strlen(value), after, expected);
}

static void expect(const char *value, const char *expected)
{
	expect_in("", value, "", expected);
}

static void an_absolute_path_is_itself_normalised(void **state)
{
	expect("/srv/x", "/srv/x");
	expect("/srv//x/./y/", "/srv/x/y");
	expect("/", "/");
	expect("///", "/");
	expect("/a/../b", "/b");
	expect("/../../../etc/passwd", "/etc/passwd");
}

static void a_relative_path_is_below_the_working_directory(void **state)
{
	expect("x", "/srv/app/x");
	expect("./x", "/srv/app/x");
	expect(".", "/srv/app");
	expect("x/", "/srv/app/x");
	expect(".x", "/srv/app/.x");
	expect("...", "/srv/app/...");
}

static void alone_it_may_lead_anywhere_by_its_text(void **state)
{
	expect("..", "/srv");
	expect("../../etc/passwd", "/etc/passwd");
	expect("a/../../etc", "/srv/etc");
}

static void without_a_working_directory_relative_paths_are_none(void **state)
{
	cwd = NULL;
	expect("x", "relative");
	expect("/x", "/x");
	cwd = "not/absolute";
	expect("x", "relative");
	cwd = "/srv/app";
}

static void nothing_but_slashes_and_dots_means_anything(void **state)
{
	expect("~", "/srv/app/~");
	expect("~/x", "/srv/app/~/x");
	expect("~root/x", "/srv/app/~root/x");
	expect("file:///etc/passwd", "/srv/app/file:/etc/passwd");
	expect("data:text/plain,x", "/srv/app/data:text/plain,x");
	expect("%2e%2e%2fetc", "/srv/app/%2e%2e%2fetc");
	expect("/srv/%2e%2e/etc", "/srv/%2e%2e/etc");
	expect("..\\..\\etc", "/srv/app/..\\..\\etc");
	expect("C:\\x", "/srv/app/C:\\x");
	expect("/srv/*", "/srv/*");
	expect("/srv/${home}", "/srv/${home}");
	expect("$HOME/x", "/srv/app/$HOME/x");
	expect("@x", "/srv/app/@x");
	expect(" /etc", "/srv/app/ /etc");
	expect("/etc ", "/etc ");
	expect("/srv/a\nb", "/srv/a\nb");
}

static void look_alikes_are_other_bytes(void **state)
{
	expect("\xe2\x88\x95"
	       "etc",
	       "/srv/app/\xe2\x88\x95"
	       "etc"); /* a division slash */
	expect("\xef\xbc\x8f"
	       "etc",
	       "/srv/app/\xef\xbc\x8f"
	       "etc"); /* a full-width one */
	expect("\xe2\x80\xa4\xe2\x80\xa4/etc", "/srv/app/\xe2\x80\xa4\xe2\x80\xa4/etc"); /* ․․ */
	expect("\xef\xbc\x8e\xef\xbc\x8e/etc", "/srv/app/\xef\xbc\x8e\xef\xbc\x8e/etc");
	expect("/srv/caf\xc3\xa9", "/srv/caf\xc3\xa9"); /* é, composed */
	expect("/srv/cafe\xcc\x81", "/srv/cafe\xcc\x81"); /* and not */
}

static void behind_a_directory_it_stays_in_it(void **state)
{
	expect_in("/srv/docs/", "a/b", "", "/srv/docs/a/b");
	expect_in("/srv/docs/", ".", "", "/srv/docs");
	expect_in("/srv/docs/", "a/../b", "", "/srv/docs/b");
	expect_in("/srv/docs/", "..", "", "outside");
	expect_in("/srv/docs/", "../docs", "", "/srv/docs");
	expect_in("/srv/docs/", "../docs2", "", "outside");
	expect_in("/srv/docs/", "../../etc/passwd", "", "outside");
	expect_in("/srv/docs/", "a/../../etc", "", "outside");
	expect_in("/srv/docs/", "a/../../docs/b", "", "/srv/docs/b");
	expect_in("/", "../../etc", "", "/etc");
}

static void an_absolute_path_behind_a_directory_is_below_it(void **state)
{
	expect_in("/srv/docs/", "/etc/passwd", "", "/srv/docs/etc/passwd");
	expect_in("/srv/docs/", "/", "", "/srv/docs");
}

static void behind_part_of_a_name_it_keeps_that_part(void **state)
{
	expect_in("/srv/tenant-", "a", "", "/srv/tenant-a");
	expect_in("/srv/tenant-", "a/x", "", "/srv/tenant-a/x");
	expect_in("/srv/tenant-", "/../secret", "", "outside");
	expect_in("/srv/tenant-", "a/..", "", "outside");
	expect_in("/srv/tenant-", "a/../tenant", "", "outside");
	expect_in("/srv/tenant-", "a/../tenant-b", "", "/srv/tenant-b");
	expect_in("/srv/tenant", "s", "", "/srv/tenants");
}

static void before_something_it_keeps_that(void **state)
{
	expect_in("/srv/", "bob", "/public", "/srv/bob/public");
	expect_in("/srv/", "bob/private/..", "/public", "/srv/bob/public");
	expect_in("/srv/", "..", "/public", "outside");
	expect_in("/srv/", ".", ".", "outside"); /* ".." */
	expect_in("/srv/x/", "y/.", "./z", "/srv/x/z");
	expect_in("", "notes", ".txt", "/srv/app/notes.txt");
	expect_in("", "/etc/passwd", ".txt", "/etc/passwd.txt");
}

static void a_link_grants_what_it_leads_to(void **state)
{
	expect("/srv/app/link", "/srv/app/link /home/u/.ssh/id");
	expect("link", "/srv/app/link /home/u/.ssh/id");
	expect("/srv/docs/hop", "/srv/docs/hop /srv/docs/end");
	expect("/srv/current/y", "/data/v2/y");
	expect("/srv/current/x", "/data/v2/x /etc/shadow");
}

static void a_link_that_leads_out_of_the_directory_grants_nothing(void **state)
{
	expect_in("/srv/docs/", "out", "", "outside");
	expect_in("/srv/docs/", "out/x", "", "outside");
	expect_in("/srv/docs/", "up", "", "outside");
	expect_in("/srv/docs/", "up/docs/a", "", "/srv/docs/a");
	expect_in("/srv/docs/", "inner", "", "/srv/docs/inner /srv/docs/a/b");
	expect_in("/srv/docs-", "v1/x", "", "outside");
}

static void the_directory_itself_may_be_a_link(void **state)
{
	expect_in("/srv/current/", "y", "", "/data/v2/y");
	expect_in("/srv/current/", "x", "", "outside");
}

static void links_in_a_circle_grant_nothing(void **state)
{
	expect("/srv/docs/loop", "link");
	expect("/srv/docs/loop/x", "link");
	expect_in("/srv/docs/", "loop", "", "link");
	expect("/srv/docs/broken", "link");
}

static void a_denial_follows_it_anywhere(void **state)
{
	deny = true;
	expect_in("/srv/docs/", "../../etc", "", "/etc");
	expect_in("/srv/docs/", "out", "", "/etc/passwd /srv/docs/out");
	expect("/srv/docs/hop", "/srv/docs/hop2 /srv/docs/end /srv/docs/hop");
	deny = false;
}

static void long_paths_grant_nothing(void **state)
{
	char path[9000];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	expect_bytes("", path, 257, "", "long");
	expect_bytes("", path, sizeof(path), "", "long");
	for (size_t i = 0; i < sizeof(path); i += 2)
		path[i] = '/';
	expect_bytes("", path, sizeof(path), "", "long");
	/* what normalises to a short one is that */
	for (size_t i = 1; i < sizeof(path); i += 2)
		path[i] = '.';
	expect_bytes("", path, sizeof(path), "", "/");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_absolute_path_is_itself_normalised),
		cmocka_unit_test(a_relative_path_is_below_the_working_directory),
		cmocka_unit_test(alone_it_may_lead_anywhere_by_its_text),
		cmocka_unit_test(without_a_working_directory_relative_paths_are_none),
		cmocka_unit_test(nothing_but_slashes_and_dots_means_anything),
		cmocka_unit_test(look_alikes_are_other_bytes),
		cmocka_unit_test(behind_a_directory_it_stays_in_it),
		cmocka_unit_test(an_absolute_path_behind_a_directory_is_below_it),
		cmocka_unit_test(behind_part_of_a_name_it_keeps_that_part),
		cmocka_unit_test(before_something_it_keeps_that),
		cmocka_unit_test(a_link_grants_what_it_leads_to),
		cmocka_unit_test(a_link_that_leads_out_of_the_directory_grants_nothing),
		cmocka_unit_test(the_directory_itself_may_be_a_link),
		cmocka_unit_test(links_in_a_circle_grant_nothing),
		cmocka_unit_test(a_denial_follows_it_anywhere),
		cmocka_unit_test(long_paths_grant_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
