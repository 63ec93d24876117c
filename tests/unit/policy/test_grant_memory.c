/* SPDX-License-Identifier: BSD-2-Clause */
/* Whichever allocation fails: it is told, nothing leaks, nothing half-made is handed out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "machine.h"
#include "policy/compile.h"
#include "policy/decide.h"
#include "policy/grant.h"
#include "want.h"

/* Each kind of template, whose arguments lead through links and names, and to nothing. */
static const char text[] = "version 1\n"
			   "base\n"
			   "tool t\n"
			   "  read ${arg.path}\n"
			   "  write /srv/${arg.a.b}\n"
			   "  deny read ${arg.path}x\n"
			   "  connect ${arg.url}\n"
			   "  connect ${arg.h}:443\n"
			   "  connect unix:${arg.s}\n"
			   "  deny connect unix:${arg.n}\n";
static const char arguments[] =
	"{\"path\":[\"/a\",\"b/link\",\"/link\",5,\"\"],\"a\":{\"b\":[\"c\",\"../..\"]},"
	"\"url\":\"https://u@h.test/x\",\"h\":\"h.test\",\"s\":[\"@x\",\"/run/s\"],\"n\":7}";

static void set_up(struct machine *machine)
{
	machine_init(machine);
	machine_link(machine, "/link", "/a/b/link2");
	machine_link(machine, "/a/b/link2", "../c");
	machine_host(machine, "h.test", "192.0.2.1 10.0.0.1");
}

static int parse(const struct machine *machine, struct policy_tree **ret_tree)
{
	_cleanup_policy_sources_ struct policy_sources sources = { 0 };

	assert_int_equal(policy_sources_add(&sources, "p", text, strlen(text)), 0);
	return policy_parse(&sources, &machine->world, ret_tree);
}

static void a_grant_tells_every_failure(void **state)
{
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;
	_cleanup_machine_ struct machine machine;
	_cleanup_buf_ struct buf image = { 0 };
	struct policy policy;
	struct policy_grant_call call = { .arguments = arguments,
					  .arguments_size = sizeof(arguments) - 1,
					  .cwd = "/srv/app",
					  .world = &machine.world };
	bool failed;
	long at = 0;

	set_up(&machine);
	assert_int_equal(parse(&machine, &tree), 0);
	assert_int_equal(policy_compile(tree, &image), 0);
	policy_view(buf_bytes(&image), &policy);
	call.block = policy_tool_block(&policy, "t", 1);
	do {
		_cleanup_buf_ struct buf grants = { 0 };
		struct policy_grant_reports reports = { 0 };
		int r;

		want_after(at++);
		r = policy_grant_build(&policy, &call, &grants, &reports);
		failed = want_was_felt();
		want_after(-1);
		assert_int_equal(r, failed ? -ENOMEM : 0);
		if (failed)
			assert_null(reports.reports);
		free(reports.reports);
	} while (failed);
	print_message("# %ld allocations\n", at - 1);
	assert_true(at > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_grant_tells_every_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
