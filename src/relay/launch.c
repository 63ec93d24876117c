/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/launch.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "abi/control.h"
#include "base/cleanup.h"
#include "relay/floor.h"

/* A missing one is replaced by /dev/null for ourselves; it is gone again after the exec. */
static int stdio_exists(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", O_RDWR | O_CLOEXEC) != fd)
			return -EBADF;
	}
	return 0;
}

static int note_inherited(struct launch *launch)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir)
		return 0; /* then they stay open here too, which only delays an EOF */
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);
		int flags = fd > 2 && fd != dirfd(dir) ? fcntl(fd, F_GETFD) : -1;

		/* what is closed on exec is not passed on, and not the client's */
		if (flags < 0 || flags & FD_CLOEXEC ||
		    launch->inherited_count == ARRAY_LEN(launch->inherited))
			continue;
		launch->inherited[launch->inherited_count++] = fd;
	}
	closedir(dir);
	return 0;
}

int launch_prepare(struct launch *launch)
{
	*launch = (struct launch){ .pid = -1,
				   .pidfd = -1,
				   .to_server = -1,
				   .from_server = -1,
				   .status_fd = -1,
				   .go_fd = -1 };
	if (stdio_exists() < 0)
		return -EBADF;
	return note_inherited(launch);
}

/* ret_pair[0] is read from and ret_pair[1] is written to, whatever the kind. */
static int pair_like(int like, int ret_pair[2])
{
	struct stat st;
	int size;

	if (fstat(like, &st) == 0 && S_ISSOCK(st.st_mode))
		return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret_pair) < 0 ? -errno
											: 0;
	if (pipe2(ret_pair, O_CLOEXEC) < 0)
		return -errno;
	size = fcntl(like, F_GETPIPE_SZ);
	/* over the user's limit it keeps the default: a different size is no error */
	if (size > 0 && size != fcntl(ret_pair[0], F_GETPIPE_SZ))
		(void)fcntl(ret_pair[0], F_SETPIPE_SZ, size);
	return 0;
}

static int set_nonblocking(int fd)
{
	return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ? -errno : 0;
}

/* Capabilities that the server would have by inheritance are worth nothing in another user namespace:
 * what it does with them would fail. */
static bool has_ambient(void)
{
	int set = 0;

	for (unsigned long capability = 0; set == 0; capability++)
		set = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0);
	return set > 0;
}

/* A mount namespace of its own, so that file events can be watched; without it we go on. */
static uint32_t separate(void)
{
	if (unshare(CLONE_NEWNS) == 0) /* root, or a user that may */
		return MF_OPEN_MNTNS;
	if (geteuid() == 0 || has_ambient() || unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return 0;
	return MF_OPEN_MNTNS | MF_OPEN_USERNS;
}

static ssize_t read_whole(int fd, void *data, size_t size)
{
	ssize_t got;

	do {
		got = read(fd, data, size);
	} while (got < 0 && errno == EINTR);
	return got;
}

/* Until its exec the child holds the relay's ends of its own pipes and of the control socket: nobody
 * would see that the relay is gone. */
static bool die_with(pid_t relay)
{
	return !prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == relay;
}

/* What the child tells before it waits */
struct ready {
	uint32_t open_flags;
	uint32_t floor;
	int32_t error; /* of the floor: the server must not run without it */
};

/* In the child: async-signal-safe calls only matter little, the relay has one thread. */
static void __attribute__((noreturn))
child_run(const struct launch *launch, bool own_mounts, const struct policy_floor *floor,
	  pid_t relay, int in, int out, int status_fd, int go_fd, char **argv)
{
	struct ready ready = { .open_flags = own_mounts ? separate() : 0 };
	char go;
	int err;

	if (!die_with(relay)) /* after separate(): new credentials forget it */
		_exit(125);
	if (floor)
		ready.error = floor_put_on(floor, &ready.floor);
	if (write(status_fd, &ready, sizeof(ready)) != sizeof(ready) ||
	    read_whole(go_fd, &go, 1) != 1)
		_exit(125);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(125);
	sigaction(SIGCHLD, &launch->child_action, NULL);
	sigprocmask(SIG_SETMASK, &launch->mask, NULL);
	prctl(PR_SET_PDEATHSIG, 0);
	execvp(argv[0], argv);
	err = errno;
	if (write(status_fd, &err, sizeof(err)) != sizeof(err))
		_exit(125);
	_exit(err == ENOENT ? 127 : 126);
}

static int fork_child(struct launch *launch, bool own_mounts, const struct policy_floor *floor,
		      const int in[2], const int out[2], const int status[2], const int go[2],
		      char **argv)
{
	pid_t relay = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		child_run(launch, own_mounts, floor, relay, in[0], out[1], status[1], go[0], argv);
	launch->pid = pid;
	launch->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return launch->pidfd < 0 ? -errno : 0;
}

#define NO_PAIR        \
	{              \
		-1, -1 \
	}

static void pair_close(int (*pair)[2])
{
	close_fd((*pair)[0]);
	close_fd((*pair)[1]);
}
#define _cleanup_pair_ _cleanup_(pair_close)

int launch_fork(struct launch *launch, char **argv, bool own_mounts,
		const struct policy_floor *floor)
{
	struct ready ready;
	_cleanup_pair_ int in[2] = NO_PAIR, out[2] = NO_PAIR, status[2] = NO_PAIR, go[2] = NO_PAIR;
	int err;

	err = pair_like(STDIN_FILENO, in);
	if (!err)
		err = pair_like(STDOUT_FILENO, out);
	if (!err && (pipe2(status, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0))
		err = -errno;
	if (!err)
		err = set_nonblocking(in[1]);
	if (!err)
		err = set_nonblocking(out[0]);
	if (!err)
		err = fork_child(launch, own_mounts, floor, in, out, status, go, argv);
	if (err)
		return err;
	launch->to_server = take_fd(&in[1]);
	launch->from_server = take_fd(&out[0]);
	launch->status_fd = take_fd(&status[0]);
	launch->go_fd = take_fd(&go[1]);
	status[1] = close_fd(status[1]);
	if (read_whole(launch->status_fd, &ready, sizeof(ready)) != sizeof(ready))
		return -ECHILD;
	launch->open_flags = ready.open_flags;
	launch->floor = ready.floor;
	return ready.error;
}

int launch_go(struct launch *launch, int *ret_errno)
{
	int err = 0;

	if (write(launch->go_fd, "", 1) != 1)
		return -errno;
	if (read_whole(launch->status_fd, &err, sizeof(err)) != sizeof(err))
		err = 0;
	launch->go_fd = close_fd(launch->go_fd);
	launch->status_fd = close_fd(launch->status_fd);
	for (int i = 0; i < launch->inherited_count; i++)
		close_fd(launch->inherited[i]);
	*ret_errno = err;
	return 0;
}

void launch_abort(struct launch *launch)
{
	if (launch->pid > 0) {
		kill(launch->pid, SIGKILL);
		waitpid(launch->pid, NULL, 0);
	}
	launch->pid = -1;
	launch_close(launch);
}

void launch_close(struct launch *launch)
{
	launch->pidfd = close_fd(launch->pidfd);
	launch->to_server = close_fd(launch->to_server);
	launch->from_server = close_fd(launch->from_server);
	launch->go_fd = close_fd(launch->go_fd);
	launch->status_fd = close_fd(launch->status_fd);
}
