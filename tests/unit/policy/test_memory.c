/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Want of memory, at each place in turn where the room asks for some: it is told as -ENOMEM, nothing
 * is leaked, and no policy comes out that says less than its text.
 */

#include "policies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/advice.h"
#include "want.h"

static const char rich[] =
	"version 1\ndefault audit\nceiling\n write /\n exec /x\n connect *:*\n deny /l\nbase\n "
	"read /usr\n"
	" include more\n read /l\n exec /bin/sh\ntool fs/*\n read ${arg.path}\n deny write \"/a "
	"b\"\n"
	" exec /usr/bin/a-name-that-is-longer-than-thirty-two-bytes-by-far\n connect api.test:443\n"
	" connect 10.0.0.0/8:1-1000\n connect unix:@name\n connect unix:/run/x\n allow ptrace\n"
	" deny mount\n read /usr/x\n include mine\n read /nowhere/at/all\ntool *\n mode audit\n"
	" write /tmp\nblock mine\n read /mine\nblock unused\n read /y\n";

static const char wrong[] =
	"version 1\nbase\n raed /x\n read x\n read ~/x\n connect h:0\n connect h\n connect -:1\n"
	" read ${hom}\n read ${arg.x}\n include nothing\n include minee\n deny ptrac\n allow "
	"ptracee\n"
	" mode x\n read \"x\n read /round\n connect unix:x\n read /a b\ntool x*\nblock mine\n"
	"default x\nversion 2\n include mine\n";

static int look(void *data, const char *path, struct buf *ret_target)
{
	(void)data;
	if (strcmp(path, "/l") == 0)
		return buf_append_str(ret_target, "/way") ? -ENOMEM : POLICY_PATH_LINK;
	if (strcmp(path, "/way") == 0)
		return buf_append_str(ret_target, "target") ? -ENOMEM : POLICY_PATH_LINK;
	if (strcmp(path, "/round") == 0)
		return buf_append_str(ret_target, "round") ? -ENOMEM : POLICY_PATH_LINK;
	return strncmp(path, "/nowhere", 8) == 0 ? POLICY_PATH_MISSING : POLICY_PATH_DIRECTORY;
}

static int links(void *data, const char *path,
		 void (*each)(void *each_data, const char *name, const char *target),
		 void *each_data)
{
	(void)data;
	(void)path;
	each(each_data, "l", "/l");
	return 0;
}

static int resolve(void *data, const char *name, struct policy_address *ret_addresses, size_t max)
{
	(void)data;
	(void)name;
	(void)max;
	ret_addresses[0] = (struct policy_address){ 4, { 10, 0, 0, 1 } };
	ret_addresses[1] = (struct policy_address){ 6, { 0x20, 1 } };
	return 2;
}

static int include(void *data, const char *name, struct buf *ret_name, struct buf *ret_text)
{
	(void)data;
	if (strcmp(name, "more") != 0)
		return -ENOENT;
	if (buf_append_str(ret_name, "more") ||
	    buf_append_str(ret_text, "version 1\nblock more\n read /more\n include other\n"
				     "block other\n deny /other\n"))
		return -ENOMEM;
	return 0;
}

static int print_notes(const struct policy_tree *tree)
{
	_cleanup_buf_ struct buf out = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < tree->notes.count; i++)
		r = policy_note_print(&out, &tree->sources, &tree->notes.notes[i]);
	return r;
}

/* The lines that would allow an access, of each kind. */
static int advise(void)
{
	static const struct policy_access accesses[] = {
		{ .kind = POLICY_ACCESS_PATH, .name = "/work/a b/sh", .name_size = 12 },
		{ .kind = POLICY_ACCESS_PATH, .name = "/bin/sh", .name_size = 7 },
		{ .kind = POLICY_ACCESS_ABSTRACT, .name = "name", .name_size = 4 },
		{ .kind = POLICY_ACCESS_ADDRESS, .family = 4, .port = 80 },
		{ .kind = POLICY_ACCESS_ESCAPE, .escape = MF_POL_PTRACE },
	};
	static const uint8_t verbs[] = { MF_POL_CONNECT, MF_POL_EXEC, MF_POL_LISTEN, MF_POL_CONNECT,
					 MF_POL_READ };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(accesses); i++) {
		_cleanup_buf_ struct buf out = { 0 };

		r = policy_advice_line(&out, &accesses[i], verbs[i], i % 2 ? "a.test" : NULL,
				       "/work", "/home/ada");
		assert_true(r == 0 || !buf_size(&out));
	}
	return r;
}

static int decide(const struct buf *image)
{
	_cleanup_buf_ struct buf out = { 0 };
	struct policy_state state = { .mode = MF_POL_ENFORCE };
	struct policy_access access = { .kind = POLICY_ACCESS_PATH,
					.verbs = MF_POL_BIT(MF_POL_READ),
					.name = "/other",
					.name_size = 6 };
	struct policy_decision decision;
	struct policy policy;
	int r = policy_validate(buf_bytes(image), buf_size(image), &policy, NULL);

	if (r)
		return r;
	policy_decide(&policy, &state, &access, &decision);
	assert_int_equal(decision.verdict, MF_DENY);
	r = policy_decision_print(&out, &policy, &state, &decision);
	return r ? r : advise();
}

/* All that is done with a text. 0, or the error. */
static int work(const char *text, bool compiles, size_t *ret_errors)
{
	const struct policy_world world = {
		.workspace = "/work",
		.home = "/home/ada",
		.include = include,
		.look = look,
		.links = links,
		.resolve = resolve,
	};
	_cleanup_policy_sources_ struct policy_sources sources = { 0 };
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;
	_cleanup_buf_ struct buf image = { 0 };
	int r = policy_sources_add(&sources, "p", text, strlen(text));

	if (r == 0)
		r = policy_parse(&sources, &world, &tree);
	if (r == 0)
		*ret_errors = tree->notes.errors;
	if (r == 0)
		r = print_notes(tree);
	if (r == 0 && compiles)
		r = policy_compile(tree, &image);
	return r || !compiles ? r : decide(&image);
}

/* Goes on until all places are behind: then nothing fails any more. */
static void each_place(const char *text, bool compiles)
{
	size_t expected = 0;
	long places = 0;

	want_after(-1);
	assert_int_equal(work(text, compiles, &expected), 0);
	for (bool failed = true; failed; places++) {
		size_t errors = expected;
		int r;

		want_after(places);
		r = work(text, compiles, &errors);
		failed = want_was_felt();
		want_after(-1);
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_int_equal(errors, expected);
	}
	assert_true(places > 100);
}

static void a_policy_that_is_right(void **state)
{
	each_place(rich, true);
}

static void a_policy_that_is_wrong(void **state)
{
	each_place(wrong, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_that_is_right),
		cmocka_unit_test(a_policy_that_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
