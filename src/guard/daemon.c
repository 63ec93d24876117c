/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mcpfloord: one guard for the sessions of all users.
 *
 * SIGTERM and SIGINT end the observation, not the servers: what was seen is written, the records
 * that are open are closed as incomplete, hooks and marks are taken away, and each relay sees its
 * connection end. The servers go on, unobserved, in their cgroups; the next guard's sweep removes
 * those once their relays are gone too.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/ipc.h"
#include "guard/control.h"
#include "guard/directory.h"
#include "guard/state.h"
#include "guard/sweep.h"

struct daemon {
	struct guard guard;
	struct source signals;
	char control_path[108], query_path[108]; /* sun_path */
};

static int complain(int err, const char *doing, const char *what)
{
	fprintf(stderr, "mcpfloord: %s %s: %s\n", doing, what, strerror(-err));
	return err;
}

static void signalled(struct source *source, uint32_t events)
{
	struct daemon *daemon = source_owner(source, struct daemon, signals);
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) == sizeof(info))
		daemon->guard.stopping = true;
}

static int watch_signals(struct daemon *daemon)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	return loop_watch(daemon->guard.epoll, &daemon->signals, fd, EPOLLIN, signalled);
}

/* One daemon per run directory: its sockets would be taken from under the other. */
static int lock_run_dir(const char *run_dir)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fd_ int fd = -1;

	if (asprintf(&path, "%s/lock", run_dir) < 0)
		return -ENOMEM;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return take_fd(&fd);
}

static int listen_at(char path[108], const char *run_dir, const char *name, int type)
{
	if (snprintf(path, 108, "%s/%s", run_dir, name) >= 108)
		return -ENAMETOOLONG;
	return ipc_listen(path, type, 0666);
}

static int listen_all(struct daemon *daemon, const char *run_dir)
{
	struct guard *guard = &daemon->guard;
	int sock = listen_at(daemon->query_path, run_dir, "query.sock", SOCK_STREAM);

	if (sock < 0)
		return sock;
	ipc_refuse_fds(sock);
	guard->query_fd = sock;
	sock = listen_at(daemon->control_path, run_dir, "control.sock", SOCK_SEQPACKET);
	if (sock < 0)
		return sock;
	return loop_watch(guard->epoll, &guard->control_listener, sock, EPOLLIN, control_accept);
}

static const char *const engine_reasons[] = {
	[MF_D_NO_BTF] = "the kernel has no BTF (/sys/kernel/btf/vmlinux)",
	[MF_D_LIBBPF] = "this libbpf cannot read the kernel's BTF: it needs a newer one",
	[MF_D_ENGINE] = "required kernel hooks cannot be used: see `mcpfloor doctor`",
	[MF_D_RECORDER] = "the recorder cannot be started",
	[MF_D_STATE_DIR] = "the state directory cannot be written",
};

static int start(struct daemon *daemon, const struct guard_options *options)
{
	struct guard *guard = &daemon->guard;
	uint32_t detail = MF_D_ENGINE;
	int err;

	if (guard->log_foreign) {
		fprintf(stderr,
			"mcpfloord: %s/log is there already and is not the recorder's: give it and "
			"what is in it to user "
			"mcpfloor (root where there is none) with mode 0700, or name another "
			"--state\n",
			options->state_dir);
		return guard->log_fd;
	}
	if (guard->log_fd < 0)
		return complain(guard->log_fd, "cannot write", options->state_dir);
	err = watch_signals(daemon);
	if (err)
		return complain(err, "cannot watch", "signals");
	sweep_sockets(options->run_dir);
	err = listen_all(daemon, options->run_dir);
	if (err)
		return complain(err, "cannot listen in", options->run_dir);
	/* opened now and not with the first session: what is wrong is said here, and queries have a
	 * recorder */
	err = guard_open_engine(guard, &detail);
	if (!err)
		err = recorder_hand_over(guard);
	if (err && detail < ARRAY_LEN(engine_reasons) && engine_reasons[detail])
		return complain(err, "cannot observe:", engine_reasons[detail]);
	return err ? complain(err, "cannot", "start") : 0;
}

int guard_run_daemon(const struct guard_options *options)
{
	_cleanup_fd_ int lock = -1;
	struct daemon daemon = { .signals = SOURCE_NONE };
	int err;

	umask(077);
	err = directory_make(options->run_dir, 0755);
	if (err) {
		complain(err, "cannot make", options->run_dir);
		return 1;
	}
	lock = lock_run_dir(options->run_dir);
	if (lock < 0) {
		if (lock == -EBUSY)
			fprintf(stderr, "mcpfloord: another one serves %s already\n",
				options->run_dir);
		else
			complain(lock, "cannot lock", options->run_dir);
		return 1;
	}
	err = guard_prepare(&daemon.guard, options, false);
	if (!err)
		err = start(&daemon, options);
	if (!err) {
		err = guard_loop(&daemon.guard);
		if (err)
			complain(err, "the engine failed,", "observation ended");
	}
	if (daemon.control_path[0])
		unlink(daemon.control_path);
	if (daemon.query_path[0])
		unlink(daemon.query_path);
	close_fd(daemon.signals.fd);
	guard_release(&daemon.guard);
	return err ? 1 : 0;
}
