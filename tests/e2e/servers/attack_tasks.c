/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes: out of sight, out of the tree, out of the cgroup, as somebody else. */
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void copy_to(const char *from, int to)
{
	char bytes[65536];
	ssize_t size;
	int fd = open(from, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		broken(from);
	while ((size = read(fd, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, (size_t)size) != size)
			broken("copy");
	close(fd);
}

static void run_fd(int fd, const char *name)
{
	char *const argv[] = { (char *)name, NULL }, *const environment[] = { NULL };
	int status;
	pid_t child = fork();

	if (!child) {
		fexecve(fd, argv, environment);
		_exit(99);
	}
	if (waitpid(child, &status, 0) != child || status)
		broken(name);
}

/* E13: PROGRAM PATH: from memory, and from a file that has no name any more */
static void anonymous_exec(char **args)
{
	char again[64];
	int fd = memfd_create("nowhere", 0);

	if (fd < 0)
		absent("memfd_create");
	copy_to(args[0], fd);
	run_fd(fd, "from-memory");
	close(fd);
	fd = open(args[1], O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	if (fd < 0)
		broken(args[1]);
	copy_to(args[0], fd);
	close(fd);
	fd = open(args[1], O_RDONLY);
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	if (fd < 0 || unlink(args[1]))
		broken("unlink");
	run_fd(fd, "deleted");
}

/* E26 */

static const char *prefix;

static _Noreturn void child_does(const char *how)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s%s", prefix, how);
	touch(path);
	_exit(0);
}

static void await(pid_t pid, const char *how)
{
	if (pid < 0)
		report("absent %s: %s", how, strerror(errno));
	else
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

static void by_clone(struct clone_args args, const char *how)
{
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		child_does(how);
	if (pid > 0 && args.flags & CLONE_PARENT)
		return; /* its parent is ours */
	await(pid, how);
}

static void by_double_fork(void)
{
	pid_t pid = fork();

	if (!pid) {
		setsid();
		pid = fork();
		if (!pid)
			child_does("double-fork");
		_exit(0);
	}
	await(pid, "double-fork");
	while (waitpid(-1, NULL, 0) > 0) /* as a subreaper */
		;
}

static void by_vfork(char **args)
{
	char path[4096];
	pid_t pid;

	snprintf(path, sizeof(path), "%svfork", prefix);
	pid = vfork();
	if (!pid) {
		execl("/proc/self/exe", "attack", args[1], "touch", path, NULL);
		_exit(99);
	}
	await(pid, "vfork");
}

/* PREFIX REPORT CGROUP */
static void relations(char **args)
{
	struct clone_args elsewhere = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	int cgroup = open(args[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	prefix = args[0];
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	by_clone((struct clone_args){ .flags = CLONE_PARENT }, "clone-parent");
	by_clone((struct clone_args){ .flags = CLONE_NEWPID, .exit_signal = SIGCHLD }, "pid-ns");
	elsewhere.cgroup = (uint64_t)cgroup;
	if (cgroup >= 0)
		by_clone(elsewhere, "cgroup");
	else
		report("absent cgroup");
	by_vfork(args);
	by_double_fork();
}

static void just_touch(char **args)
{
	touch(args[0]);
}

/* E27: DIR COUNT: so many children, each of which makes a file; then one pid, twice */
static void crowd(char **args)
{
	char path[4200];
	int i;

	for (i = 0; i < atoi(args[1]); i++) {
		pid_t pid = fork();

		if (!pid) {
			snprintf(path, sizeof(path), "%s/%d", args[0], i);
			touch(path);
			_exit(0);
		}
		if (waitpid(pid, NULL, 0) != pid)
			broken("fork");
	}
}

/* E27: PREFIX */
static void same_pid(char **args)
{
	pid_t pid = fork();
	struct clone_args again = { .exit_signal = SIGCHLD,
				    .set_tid = (uintptr_t)&pid,
				    .set_tid_size = 1 };

	prefix = args[0];
	if (!pid)
		child_does("first");
	await(pid, "first");
	by_clone(again, "second");
}

/* E28: PROCS PATH IP PORT */
static void leave(char **args)
{
	struct sockaddr_in to = to_v4(args[2], atoi(args[3]));
	int procs = open(args[0], O_WRONLY | O_CLOEXEC);

	if (procs < 0 || write(procs, "0", 1) != 1)
		absent("a cgroup that can be left");
	touch(args[1]);
	if (sendto(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) !=
	    1)
		broken("send");
}

/* E45: UID PROGRAM ARG…: becomes somebody else and runs it */
static void as_other(char **args)
{
	uid_t uid = (uid_t)atoi(args[0]);

	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		broken("setresuid");
	execv(args[1], args + 1);
	broken("exec");
}

/* E45: PATH: who it is when it opens it */
static void read_as(char **args)
{
	int fd = open(args[0], O_RDONLY | O_CLOEXEC);

	report("euid %d, %s", (int)geteuid(), fd < 0 ? strerror(errno) : "opened");
	if (fd >= 0)
		close(fd);
}

const struct verb task_verbs[] = {
	{ "anonymous-exec", 2, anonymous_exec },
	{ "relations", 3, relations },
	{ "touch", 1, just_touch },
	{ "crowd", 2, crowd },
	{ "same-pid", 1, same_pid },
	{ "leave", 4, leave },
	{ "as", 2, as_other },
	{ "read-as", 1, read_as },
	{ 0 },
};
