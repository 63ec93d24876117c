/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/sweep.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "harness.h"

#define DEAD_PID 0x3ffffe /* over every pid_max that a test machine has been seen with */

static struct cgroup_owner owner_of(pid_t guard, pid_t relay)
{
	struct cgroup_owner owner = { .version = MF_ABI_VERSION,
				      .guard_pid = (uint32_t)guard,
				      .relay_pid = (uint32_t)relay,
				      .guard_start = 1,
				      .relay_start = 1 };

	assert_int_equal(proc_namespace(0, "ns/pid", &owner.pid_ns), 0);
	proc_start_ticks(guard, &owner.guard_start);
	proc_start_ticks(relay, &owner.relay_start);
	return owner;
}

static struct cgroup make(const struct server *server, uint64_t session,
			  const struct cgroup_owner *owner)
{
	struct cgroup cgroup = CGROUP_NONE;
	int parent;

	if (!cgroups_usable()) {
		print_message("# skip: no writable cgroup2\n");
		skip();
	}
	parent = cgroup_of(server->pid);
	assert_int_equal(cgroup_create(parent, session, owner, &cgroup), 0);
	assert_int_equal(cgroup_enter(&cgroup, server->pid), 0);
	return cgroup;
}

static void sweep(void)
{
	bool again = true;

	for (int i = 0; i < 10000 && again; i++)
		assert_true(sweep_cgroups(&again) >= 0);
	assert_false(again);
}

static void what_a_dead_guard_and_relay_left_is_killed_and_removed(void **state)
{
	struct server server = server_start(NULL);
	struct cgroup_owner owner = owner_of(DEAD_PID, DEAD_PID);
	struct cgroup cgroup = make(&server, 0xbbbb000000000001, &owner);

	sweep();
	assert_false(cgroup_there(0xbbbb000000000001));
	assert_false(pidfd_alive(server.pidfd));
	cgroup_close(&cgroup);
	server_reap(&server);
}

static void a_living_guards_cgroup_is_left_alone(void **state)
{
	struct server server = server_start(NULL);
	struct cgroup_owner owner = owner_of(getpid(), DEAD_PID);
	struct cgroup cgroup = make(&server, 0xbbbb000000000002, &owner);

	sweep();
	assert_true(cgroup_there(0xbbbb000000000002));
	assert_true(pidfd_alive(server.pidfd));
	server_reap(&server);
	sweep(); /* nor when it is empty: it may be about to be used */
	assert_true(cgroup_there(0xbbbb000000000002));
	cgroup_remove_at(cgroup.parent_fd, cgroup.name);
	cgroup_close(&cgroup);
}

static void a_server_whose_relay_lives_goes_on_without_its_guard(void **state)
{
	struct server server = server_start(NULL);
	struct cgroup_owner owner = owner_of(DEAD_PID, getpid());
	struct cgroup cgroup = make(&server, 0xbbbb000000000003, &owner);

	sweep();
	assert_true(pidfd_alive(server.pidfd));
	server_reap(&server);
	cgroup_remove_at(cgroup.parent_fd, cgroup.name);
	cgroup_close(&cgroup);
}

static void a_reused_pid_is_not_its_owner(void **state)
{
	struct server server = server_start(NULL);
	struct cgroup_owner owner = owner_of(getpid(), getpid());
	struct cgroup cgroup;

	owner.guard_start++;
	owner.relay_start++;
	cgroup = make(&server, 0xbbbb000000000004, &owner);
	sweep();
	assert_false(cgroup_there(0xbbbb000000000004));
	cgroup_close(&cgroup);
	server_reap(&server);
}

static void another_namespaces_cgroup_with_processes_is_left_alone(void **state)
{
	struct server server = server_start(NULL);
	struct cgroup_owner owner = owner_of(DEAD_PID, DEAD_PID);
	struct cgroup cgroup;

	owner.pid_ns++;
	cgroup = make(&server, 0xbbbb000000000005, &owner);
	sweep();
	assert_true(pidfd_alive(server.pidfd));
	server_reap(&server);
	cgroup_remove_at(cgroup.parent_fd, cgroup.name);
	cgroup_close(&cgroup);
}

static void stale_sockets_go_and_live_ones_and_other_files_stay(void **state)
{
	char dir[] = "/tmp/guard-sweep-XXXXXX", path[64];
	_cleanup_fd_ int live = -1;
	int stale, file;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/guard-11.sock", dir);
	stale = ipc_listen(path, SOCK_SEQPACKET, 0600);
	assert_true(stale >= 0);
	close(stale);
	snprintf(path, sizeof(path), "%s/guard-12.sock", dir);
	live = ipc_listen(path, SOCK_SEQPACKET, 0600);
	assert_true(live >= 0);
	snprintf(path, sizeof(path), "%s/guard-13.sock.old", dir);
	file = open(path, O_CREAT | O_CLOEXEC | O_WRONLY, 0600);
	close(file);
	assert_int_equal(sweep_sockets(dir), 1);
	assert_int_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/guard-12.sock", dir);
	assert_int_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/guard-11.sock", dir);
	assert_int_equal(access(path, F_OK), -1);
	place_remove_dir(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_dead_guard_and_relay_left_is_killed_and_removed),
		cmocka_unit_test(a_living_guards_cgroup_is_left_alone),
		cmocka_unit_test(a_server_whose_relay_lives_goes_on_without_its_guard),
		cmocka_unit_test(a_reused_pid_is_not_its_owner),
		cmocka_unit_test(another_namespaces_cgroup_with_processes_is_left_alone),
		cmocka_unit_test(stale_sockets_go_and_live_ones_and_other_files_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
