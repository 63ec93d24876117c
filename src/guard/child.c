/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/child.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* Without SO_PEERPIDFD the number in /proc is the same only when /proc is of our pid namespace. */
static pid_t proc_number_of(pid_t pid)
{
	_cleanup_fd_ int pidfd = -1;
	struct proc_numbers numbers;

	if (pid <= 0)
		return 0;
	pidfd = pidfd_of(pid);
	if (pidfd < 0 || proc_numbers(pidfd, &numbers))
		return 0;
	return numbers.proc;
}

/* Before 6.5 another process may have the number by now, if the peer died since it connected. */
int peer_pidfd(int sock)
{
	struct ucred cred;
	socklen_t size = sizeof(int);
	int pidfd;

	if (getsockopt(sock, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0)
		return pidfd;
	if (errno != ENOPROTOOPT)
		return -errno;
	size = sizeof(cred);
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return -errno;
	return cred.pid > 0 ? pidfd_of(cred.pid) : -ESRCH;
}

int peer_read(int sock, struct peer *ret_peer)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);
	struct proc_numbers numbers;
	_cleanup_fd_ int pidfd = -1;
	struct peer peer;

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return -errno;
	peer = (struct peer){ .uid = cred.uid, .pid = cred.pid };
	size = sizeof(pidfd);
	if (getsockopt(sock, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) < 0)
		pidfd = -1;
	if (pidfd >= 0 && !proc_numbers(pidfd, &numbers)) {
		peer.pid = numbers.pid;
		peer.proc = numbers.proc;
	} else if (pidfd < 0) {
		peer.proc = proc_number_of(cred.pid);
	}
	*ret_peer = peer;
	return 0;
}

static int numbered(const struct proc_numbers *numbers, uint32_t seen_as)
{
	for (size_t i = 0; i < numbers->level_count; i++) {
		if ((uint32_t)numbers->levels[i] == seen_as)
			return 1;
	}
	return 0;
}

int child_check(int pidfd, const struct peer *peer, uint32_t seen_as, struct child *ret_child)
{
	struct child child;
	int err = proc_numbers(pidfd, &child.numbers);

	if (err)
		return err;
	err = proc_status(child.numbers.proc, &child.status);
	if (err)
		return err;
	if (!pidfd_alive(pidfd)) /* else what was read may be about a later process */
		return -ESRCH;
	if (child.status.tgid != child.numbers.proc) /* a thread's pidfd */
		return -EPERM;
	if (!peer->proc || child.status.ppid != peer->proc)
		return -EPERM;
	for (size_t i = 0; i < ARRAY_LEN(child.status.uid); i++) {
		if (child.status.uid[i] != peer->uid)
			return -EPERM;
	}
	if (!numbered(&child.numbers, seen_as))
		return -EPERM;
	*ret_child = child;
	return 0;
}
