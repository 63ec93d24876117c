/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/userns.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "harness.h"

#define USER 65534
#define GROUP 65533

struct subject {
	struct server server;
	int go; /* a byte here lets it try what it may */
	struct child child;
};

static int put(const char *path, const char *text)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

/* What an ordinary user may do; without it there is no second namespace. */
static int map_myself(void)
{
	prctl(PR_SET_DUMPABLE, 1); /* setresuid() took it, and with it the files in /proc */
	return put("/proc/self/setgroups", "deny") || put("/proc/self/gid_map", "65533 65533 1") ||
	       put("/proc/self/uid_map", "65534 65534 1");
}

/* Runs as USER in a fresh user namespace; once told, does `act` and exits with what it returns. */
static struct subject start(int (*act)(void), int unshare_flags, int twice)
{
	struct subject subject = { 0 };
	struct peer peer = { .uid = USER, .pid = getpid(), .proc = getpid() };
	int ready[2], go[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	subject.server.pid = fork();
	if (subject.server.pid == 0) {
		static const gid_t groups[] = { GROUP, GROUP - 1 };

		close(go[1]);
		if (setgroups(2, groups) || setresgid(GROUP, GROUP, GROUP) ||
		    setresuid(USER, USER, USER))
			_exit(100);
		if (unshare_flags && unshare(unshare_flags))
			_exit(101);
		if (twice && (map_myself() || unshare(CLONE_NEWUSER)))
			_exit(101);
		if (write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(102);
		_exit(act());
	}
	close(ready[1]);
	close(go[0]);
	subject.go = go[1];
	if (read(ready[0], &byte, 1) != 1) {
		print_message("# skip: no user namespaces for ordinary users\n");
		skip();
	}
	close(ready[0]);
	subject.server.pidfd = pidfd_of(subject.server.pid);
	assert_int_equal(child_check(subject.server.pidfd, &peer, (uint32_t)subject.server.pid,
				     &subject.child),
			 0);
	return subject;
}

static int finish(struct subject *subject)
{
	int status;

	assert_int_equal(write(subject->go, "g", 1), 1);
	close(subject->go);
	assert_int_equal(waitpid(subject->server.pid, &status, 0), subject->server.pid);
	close_fd(subject->server.pidfd);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int who_am_i(void)
{
	gid_t groups[8];

	if (getuid() != USER || geteuid() != USER || getgid() != GROUP)
		return 1;
	if (getgroups(8, groups) != 2 || groups[0] == groups[1])
		return 2;
	return unshare(CLONE_NEWNS) ? 3 : 0;
}

static void a_user_stays_who_it_is(void **state)
{
	struct subject subject = start(who_am_i, CLONE_NEWUSER | CLONE_NEWNS, 0);

	assert_int_equal(userns_map_identity(subject.server.pidfd, &subject.child, USER), 0);
	assert_int_equal(finish(&subject), 0);
}

static int become_root(void)
{
	if (setresuid(0, 0, 0) == 0)
		return 1;
	if (setresgid(0, 0, 0) == 0)
		return 2;
	if (setgroups(0, NULL) == 0)
		return 3;
	return access("/etc/shadow", R_OK) == 0 ? 4 : 0;
}

static void nobody_becomes_root_by_the_maps(void **state)
{
	struct subject subject = start(become_root, CLONE_NEWUSER | CLONE_NEWNS, 0);

	assert_int_equal(userns_map_identity(subject.server.pidfd, &subject.child, USER), 0);
	assert_int_equal(finish(&subject), 0);
}

static int nothing(void)
{
	return 0;
}

static void the_guards_own_namespace_is_not_mapped(void **state)
{
	struct subject subject = start(nothing, 0, 0);

	assert_int_equal(userns_map_identity(subject.server.pidfd, &subject.child, USER), -EPERM);
	assert_int_equal(finish(&subject), 0);
}

static void a_namespace_inside_another_is_not_mapped(void **state)
{
	struct subject subject = start(nothing, CLONE_NEWUSER, 1);

	assert_int_equal(userns_map_identity(subject.server.pidfd, &subject.child, USER), -EPERM);
	assert_int_equal(finish(&subject), 0);
}

static void another_owners_namespace_is_not_mapped(void **state)
{
	struct subject subject = start(nothing, CLONE_NEWUSER, 0);

	assert_int_equal(userns_map_identity(subject.server.pidfd, &subject.child, USER - 1),
			 -EPERM);
	assert_int_equal(finish(&subject), 0);
}

static void maps_are_written_once(void **state)
{
	struct subject subject = start(nothing, CLONE_NEWUSER, 0);

	assert_int_equal(userns_map_identity(subject.server.pidfd, &subject.child, USER), 0);
	assert_int_equal(userns_map_identity(subject.server.pidfd, &subject.child, USER), -EPERM);
	assert_int_equal(finish(&subject), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_stays_who_it_is),
		cmocka_unit_test(nobody_becomes_root_by_the_maps),
		cmocka_unit_test(the_guards_own_namespace_is_not_mapped),
		cmocka_unit_test(a_namespace_inside_another_is_not_mapped),
		cmocka_unit_test(another_owners_namespace_is_not_mapped),
		cmocka_unit_test(maps_are_written_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
