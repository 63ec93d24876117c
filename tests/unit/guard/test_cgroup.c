/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/cgroup.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "harness.h"

static void need_cgroups(void)
{
	if (!cgroups_usable()) {
		print_message("# skip: no writable cgroup2\n");
		skip();
	}
}

/* A session cgroup below the server's own. */
static struct cgroup make(const struct server *server, uint64_t session)
{
	struct cgroup_owner owner = { .version = MF_ABI_VERSION };
	struct cgroup cgroup = CGROUP_NONE;
	int parent = cgroup_of(server->pid);

	assert_true(parent >= 0);
	assert_int_equal(cgroup_create(parent, session, &owner, &cgroup), 0);
	return cgroup;
}

static void drop(struct cgroup *cgroup)
{
	assert_int_equal(cgroup_remove_at(cgroup->parent_fd, cgroup->name), 0);
	cgroup_close(cgroup);
}

static void it_is_a_child_of_the_servers_present_cgroup(void **state)
{
	struct server server;
	struct cgroup outer, inner;
	char path[64], text[512];
	FILE *file;

	need_cgroups();
	server = server_start(NULL);
	outer = make(&server, 0xaaaa000000000001);
	assert_int_equal(cgroup_enter(&outer, server.pid), 0);
	inner = make(&server, 0xaaaa000000000002);
	assert_int_equal(cgroup_enter(&inner, server.pid), 0);
	snprintf(path, sizeof(path), "/proc/%d/cgroup", server.pid);
	file = fopen(path, "re");
	while (fgets(text, sizeof(text), file) && strncmp(text, "0::", 3) != 0)
		;
	fclose(file);
	assert_non_null(strstr(text, "/mcpfloor-aaaa000000000001/mcpfloor-aaaa000000000002\n"));
	server_reap(&server);
	drop(&inner);
	drop(&outer);
}

static void killing_reaches_nested_cgroups_and_is_told(void **state)
{
	struct server server;
	struct cgroup cgroup;

	need_cgroups();
	server = server_start(NULL);
	cgroup = make(&server, 0xaaaa000000000003);
	assert_int_equal(cgroup_populated(cgroup.fd), 0);
	assert_int_equal(cgroup_enter(&cgroup, server.pid), 0);
	/* what a root server may do: a cgroup of its own, and into it */
	assert_int_equal(mkdirat(cgroup.fd, "inner", 0755), 0);
	{
		_cleanup_fd_ int procs =
			openat(cgroup.fd, "inner/cgroup.procs", O_WRONLY | O_CLOEXEC);

		assert_true(dprintf(procs, "%d", server.pid) > 0);
	}
	assert_int_equal(cgroup_populated(cgroup.fd), 1);
	assert_int_equal(cgroup_remove_at(cgroup.parent_fd, cgroup.name), -EBUSY);
	assert_int_equal(cgroup_kill(cgroup.fd), 0);
	server_reap(&server);
	while (cgroup_populated(cgroup.fd) == 1)
		;
	drop(&cgroup); /* the inner one with it */
}

static void the_process_can_be_put_back(void **state)
{
	struct server server;
	struct cgroup cgroup;

	need_cgroups();
	server = server_start(NULL);
	cgroup = make(&server, 0xaaaa000000000004);
	assert_int_equal(cgroup_enter(&cgroup, server.pid), 0);
	assert_int_equal(cgroup_leave(&cgroup, server.pid), 0);
	drop(&cgroup);
	server_reap(&server);
}

static int is_there(int mount_fd, const char *root, void *data)
{
	*(int *)data += 1;
	return 0;
}

static void mounts_are_found_wherever_they_are(void **state)
{
	int count = 0;

	assert_int_equal(cgroup_mounts(is_there, &count), 0);
	if (!count) {
		print_message("# skip: no cgroup2 mount\n");
		skip();
	}
}

/* In a process of its own, because it changes mounts. F43 */
static int with_read_only_cgroupfs(void)
{
	struct cgroup_owner owner = { .version = MF_ABI_VERSION };
	struct cgroup cgroup = CGROUP_NONE;
	int parent, err;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 77;
	for (int i = 0; i < 2; i++) {
		static const char *const points[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup" };

		mount(points[i], points[i], NULL, MS_BIND, NULL);
		mount(NULL, points[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
	}
	parent = cgroup_of(getpid());
	if (parent < 0)
		return 0;
	err = cgroup_create(parent, 0xaaaa000000000005, &owner, &cgroup);
	return err == -EROFS ? 0 : 1;
}

static void a_read_only_cgroupfs_is_an_error_and_nothing_else(void **state)
{
	int status;
	pid_t pid;

	need_cgroups();
	pid = fork();
	if (pid == 0)
		_exit(with_read_only_cgroupfs());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("# skip: no mount namespace\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int f43_session(void)
{
	struct place *place;
	struct server server;
	struct mf_c_open_reply opened;
	struct mf_c_end_reply ended;
	int client;

	if (with_read_only_cgroupfs())
		return 77;
	place = place_make();
	client = place_client(place);
	server = server_start("sleep 1000 & echo >&9; wait");
	opened = place_open(place, client, &server);
	ended = place_end(place, client);
	server_reap(&server);
	if (opened.coverage & MF_COV_CGROUP || place->guard.stats.cgroups_missing != 1)
		return 1;
	if (ended.killed != 2 || ended.survived)
		return 2;
	place_drop(place);
	return 0;
}

static void F43_a_session_without_cgroup_runs_and_is_killed_by_lineage(void **state)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(f43_session());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("# skip: no mount namespace\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_a_child_of_the_servers_present_cgroup),
		cmocka_unit_test(killing_reaches_nested_cgroups_and_is_told),
		cmocka_unit_test(the_process_can_be_put_back),
		cmocka_unit_test(mounts_are_found_wherever_they_are),
		cmocka_unit_test(a_read_only_cgroupfs_is_an_error_and_nothing_else),
		cmocka_unit_test(F43_a_session_without_cgroup_runs_and_is_killed_by_lineage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
