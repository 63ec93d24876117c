/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes: of others, and of one's own that are born in odd ways. */
#include "breach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int kept_is_shut(char **args)
{
	int fd = open(in(args[0], "kept"), O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return 0;
	return -1;
}

static int run(int fd, const char *path, int flags)
{
	char breach[] = "breach", none[] = "none";
	char *const argv[] = { breach, none, NULL }, *const environment[] = { NULL };

	syscall(SYS_execveat, fd, path, argv, environment, flags);
	return -1;
}

static int copy_of(const char *from, int to)
{
	char bytes[65536];
	ssize_t size;
	int fd = open(from, O_RDONLY | O_CLOEXEC);

	while ((size = read(fd, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, (size_t)size) != size)
			return -1;
	close(fd);
	return to;
}

static int run_memory(char **args)
{
	return run(copy_of(args[1], memfd_create("x", MFD_CLOEXEC)), "", AT_EMPTY_PATH);
}

static int run_deleted(char **args)
{
	const char *path = in(args[0], "out/gone");
	int fd = copy_of(args[1], open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700)), again;

	again = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	if (again < 0 || unlink(path))
		return -1;
	return run(again, "", AT_EMPTY_PATH);
}

static int run_written(char **args)
{
	const char *path = in(args[0], "out/program");

	close(copy_of(args[1], open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700)));
	return run(AT_FDCWD, path, 0);
}

static int run_o_path(char **args)
{
	return run(open(in(args[0], "out/program"), O_PATH | O_CLOEXEC), "", AT_EMPTY_PATH);
}

static int run_by_loader(char **args)
{
	execl("/lib64/ld-linux-x86-64.so.2", "ld.so", in(args[0], "out/program"), "none", NULL);
	return -1;
}

static int run_script(char **args)
{
	const char *path = in(args[0], "out/script");
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	if (fd < 0 || write(fd, "#!/bin/sh\nexit 0\n", 17) != 17)
		return -1;
	close(fd);
	return run(AT_FDCWD, path, 0);
}

static int run_interpreter(char **args)
{
	(void)args;
	return run(AT_FDCWD, "/bin/sh", 0);
}

/* E13, E14, E15: DIR PROGRAM, which may be read: it is run in each way. Status 2 is its own. */
static void runs(char **args)
{
	said_child("memory", run_memory, args);
	said_child("deleted", run_deleted, args);
	said_child("written", run_written, args);
	said_child("o-path", run_o_path, args);
	said_child("loader", run_by_loader, args);
	said_child("script", run_script, args);
	said_child("interpreter", run_interpreter, args);
}

static int at_other_limits(char **args)
{
	const struct rlimit limit = { .rlim_cur = 100, .rlim_max = 100 };

	return (int)syscall(SYS_prlimit64, atoi(args[0]), RLIMIT_NOFILE, &limit, NULL);
}

static int at_other_schedule(char **args)
{
	const struct sched_param param = {};

	return sched_setscheduler(atoi(args[0]), SCHED_IDLE, &param);
}

static int at_other_affinity(char **args)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return sched_setaffinity(atoi(args[0]), sizeof(set), &set);
}

/* The kernel signals the owner of a pipe when something comes. */
static int by_owner(char **args)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) || fcntl(ends[0], F_SETOWN, atoi(args[0])) ||
	    fcntl(ends[0], F_SETSIG, SIGCONT) || fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK))
		return -1;
	return write(ends[1], "x", 1) == 1 ? 0 : -1;
}

/* E12, E32: PID of somebody outside */
static void others(char **args)
{
	int pid = atoi(args[0]), pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	char path[64], byte;
	struct iovec to = { .iov_base = &byte, .iov_len = 1 };
	struct iovec from = { .iov_base = path, .iov_len = 1 };

	said("signal", kill(pid, SIGCONT));
	said("signal-pidfd", syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0));
	said("signal-queued", sigqueue(pid, SIGCONT, (union sigval){}));
	said("attach", ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	said("read", process_vm_readv(pid, &to, 1, &from, 1, 0));
	said("write", process_vm_writev(pid, &to, 1, &from, 1, 0));
	said("getfd", syscall(SYS_pidfd_getfd, pidfd, 0, 0));
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	said_fd("mem", open(path, O_RDWR | O_CLOEXEC));
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	said_fd("environ", open(path, O_RDONLY | O_CLOEXEC));
	snprintf(path, sizeof(path), "/proc/%d/root/etc/passwd", pid);
	said_fd("root", open(path, O_RDONLY | O_CLOEXEC));
	snprintf(path, sizeof(path), "/proc/%d/fd/0", pid);
	said_fd("fd", open(path, O_RDONLY | O_CLOEXEC));
	said("limits", at_other_limits(args));
	said("nice", setpriority(PRIO_PROCESS, (id_t)pid, 19));
	said("schedule", at_other_schedule(args));
	said("affinity", at_other_affinity(args));
	said("io-owner", by_owner(args));
}

static long by_clone(uint64_t flags, int cgroup, char **args)
{
	struct clone_args clone = { .flags = flags,
				    .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
				    .cgroup = (uint64_t)cgroup };
	long pid = syscall(SYS_clone3, &clone, sizeof(clone));

	if (pid < 0 && errno == ENOSYS && !(flags & CLONE_INTO_CGROUP)) /* as every libc does */
		pid = syscall(SYS_clone, flags | clone.exit_signal, 0, 0, 0, 0);
	if (!pid)
		_exit(kept_is_shut(args) ? errno : 0);
	return pid;
}

static void said_of(const char *what, long pid)
{
	int status;

	if (pid < 0 || waitpid((pid_t)pid, &status, __WALL) != pid) {
		said(what, -1);
		return;
	}
	errno = WEXITSTATUS(status);
	said(what, errno ? -1 : 0);
}

static int of_grandchild(char **args)
{
	pid_t pid;
	int status;

	setsid();
	pid = fork();
	if (!pid)
		_exit(kept_is_shut(args) ? errno : 0);
	waitpid(pid, &status, 0);
	errno = WEXITSTATUS(status);
	return errno ? -1 : 0;
}

static void *of_thread(void *data)
{
	return kept_is_shut(data) ? (void *)(intptr_t)errno : NULL;
}

/* E26: DIR: each is born in another way, and reads kept */
static void births(char **args)
{
	long pid;

	said_of("fork", by_clone(0, 0, args));
	said_child("session-and-double-fork", of_grandchild, args);
	pid = vfork();
	if (!pid)
		_exit(kept_is_shut(args) ? errno : 0);
	said_of("vfork", pid);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	said_of("subreaper", by_clone(0, 0, args));
	said("no-new-privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	said_of("without-privileges", by_clone(0, 0, args));
	of_thread(args);
}

/* E28: DIR CGROUP: out of the session's, by its file and by a birth */
static void leave(char **args)
{
	int dir = open(args[1], O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	fd = open(in(args[1], "cgroup.procs"), O_WRONLY | O_CLOEXEC);
	said("procs", fd);
	if (fd >= 0)
		said("write", write(fd, "0", 1));
	said_of("born", by_clone(CLONE_INTO_CGROUP, dir, args));
}

/* E45: UID PROGRAM ARG…: becomes somebody else and runs it */
static void as_other(char **args)
{
	uid_t uid = (uid_t)atoi(args[0]);

	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid)) {
		said("setresuid", -1);
		return;
	}
	execv(args[1], args + 1);
	said("exec", -1);
}

/* DIR: who it is, and whether kept is open to it */
static void who(char **args)
{
	char line[32];

	snprintf(line, sizeof(line), "euid-%d", (int)geteuid());
	said(line, 0);
	said("kept", kept_is_shut(args) ? -1 : 0);
	said_fd("seen", open(in(args[0], "seen"), O_RDONLY | O_CLOEXEC));
}

static void none(char **args)
{
	(void)args;
}

const struct verb task_verbs[] = {
	{ "runs", 2, runs },	 { "others", 1, others },
	{ "births", 1, births }, { "leave", 2, leave },
	{ "as", 2, as_other },	 { "who", 1, who },
	{ "none", 0, none },	 { 0 },
};
