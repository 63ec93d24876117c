/* SPDX-License-Identifier: BSD-2-Clause */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "harness.h"

#define SESSION 0xcccc000000000001

static void what_a_dead_guard_left_is_named_killed_and_removed(void **state)
{
	struct cgroup_owner owner = { .version = MF_ABI_VERSION };
	struct cgroup cgroup = CGROUP_NONE;
	struct mf_c_end_reply reply;
	struct server server;
	int parent;

	if (!cgroups_usable()) {
		print_message("# skip: no writable cgroup2\n");
		skip();
	}
	server = server_start(NULL);
	parent = cgroup_of(server.pid);
	assert_int_equal(cgroup_create(parent, SESSION, &owner, &cgroup), 0);
	assert_int_equal(cgroup_enter(&cgroup, server.pid), 0);
	assert_int_equal(guard_end_orphan(SESSION, &reply), 0);
	assert_true(reply.killed >= 1);
	assert_int_equal(reply.survived, 0);
	assert_false(pidfd_alive(server.pidfd));
	assert_false(cgroup_there(SESSION));
	cgroup_close(&cgroup);
	server_reap(&server);
}

static void a_session_without_cgroup_is_told(void **state)
{
	struct mf_c_end_reply reply;

	assert_true(guard_end_orphan(SESSION + 1, &reply) < 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_dead_guard_left_is_named_killed_and_removed),
		cmocka_unit_test(a_session_without_cgroup_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
