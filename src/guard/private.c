/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guard of one `mcpfloor run`: root, no daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/ipc.h"
#include "guard/control.h"
#include "guard/directory.h"
#include "guard/state.h"
#include "guard/sweep.h"

/*
 * Nothing of the caller's stays open: the client waits for EOF on its pipes, and a guard that held
 * them would keep it waiting. *control is moved to 3.
 */
static int detach_fds(int *control)
{
	_cleanup_fd_ int null = -1;
	int moved;

	moved = fcntl(*control, F_DUPFD_CLOEXEC, 4);
	if (moved < 0)
		return -errno;
	if (dup3(moved, 3, O_CLOEXEC) < 0)
		return -errno;
	*control = 3;
	if (close_range(4, ~0U, 0) < 0)
		return -errno;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return -errno;
	for (int fd = 0; fd < 3; fd++) {
		if (dup2(null, fd) < 0)
			return -errno;
	}
	return 0;
}

/* Its life is tied to the control connection, not to a terminal, and not to the signals that a
 * system's end sends to everyone: the relay has those, and ends the session in order. */
static void settle_signals(void)
{
	static const int ignored[] = { SIGHUP,	SIGINT,	 SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP,
				       SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGALRM };
	sigset_t none;

	for (int signo = 1; signo < NSIG; signo++) {
		if (signo != SIGKILL && signo != SIGSTOP)
			signal(signo, SIG_DFL);
	}
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* For `ps` and `stats`; without it the session is merely not listed. */
static void listen_for_questions(struct guard *guard, const char *run_dir, int *ret_dir_fd,
				 char *name, size_t size)
{
	_cleanup_free_ char *path = NULL;
	int sock;

	snprintf(name, size, "guard-%d.sock", getpid());
	if (directory_make(run_dir, 0755))
		return;
	sweep_sockets(run_dir);
	if (asprintf(&path, "%s/%s", run_dir, name) < 0)
		return;
	sock = ipc_listen(path, SOCK_SEQPACKET, 0600);
	if (sock < 0)
		return;
	*ret_dir_fd = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (loop_watch(guard->epoll, &guard->control_listener, sock, EPOLLIN, control_accept))
		close_fd(sock);
}

static void guard_process(const struct guard_options *options, int control)
{
	_cleanup_fd_ int run_dir_fd = -1;
	char name[32];
	struct guard guard;

	settle_signals();
	umask(077);
	prctl(PR_SET_NAME, "mcpfloor-guard");
	if (detach_fds(&control))
		return;
	if (guard_prepare(&guard, options, true))
		return;
	listen_for_questions(&guard, options->run_dir, &run_dir_fd, name, sizeof(name));
	/* relative paths are used up; a directory held would keep its mount busy */
	if (chdir("/") == 0 && !control_adopt(&guard, control, CONN_FRESH, &guard.primary)) {
		recorder_start(&guard); /* while it is small; OPEN tells what is wrong */
		guard_loop(&guard);
	}
	if (run_dir_fd >= 0)
		unlinkat(run_dir_fd, name, 0);
	if (guard.sweep_at_ns) { /* too short a life for the loop's own */
		bool again;

		sweep_cgroups(&again);
	}
	guard_release(&guard);
}

/* Forks twice and ends: the guard is nobody's child to wait for. Exit status: an errno. */
static __attribute__((noreturn)) void between(const struct guard_options *options, int control)
{
	pid_t pid;

	setsid();
	pid = fork();
	if (pid == 0) {
		guard_process(options, control);
		_exit(0);
	}
	_exit(pid < 0 ? errno : 0);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return errno == ECHILD ? 0 : -errno; /* SIGCHLD ignored: reaped already */
	}
	if (!WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

int guard_start_private(const struct guard_options *options, int *ret_control)
{
	_cleanup_fd_ int ours = -1, theirs = -1;
	int pair[2], subreaper = 0, err;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	/* a caller that is a subreaper would be given the guard back as its child */
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	if (subreaper)
		prctl(PR_SET_CHILD_SUBREAPER, 0);
	pid = fork();
	if (pid == 0)
		between(options, theirs);
	err = pid < 0 ? -errno : wait_for(pid);
	if (subreaper)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (err)
		return err;
	*ret_control = take_fd(&ours);
	return 0;
}
