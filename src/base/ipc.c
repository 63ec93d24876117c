/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/ipc.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"

void ipc_fds_close(struct ipc_fds *fds)
{
	for (size_t i = 0; i < fds->count; i++)
		close_fd(fds->fd[i]);
	*fds = IPC_FDS_NONE;
}

union ipc_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
};

int ipc_send(int sock, const void *packet, size_t size, const struct ipc_fds *fds)
{
	union ipc_control control = { 0 };
	struct iovec iov = { .iov_base = (void *)packet, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (fds && fds->count) {
		struct cmsghdr *cmsg = &control.align;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * fds->count);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fds->count);
		memcpy(CMSG_DATA(cmsg), fds->fd, sizeof(int) * fds->count);
	}
	do {
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

#define CONNECT_S 10
#define SCM_FDS_MAX 253 /* net/core/scm.c: SCM_MAX_FD */

/* Room for all that the kernel may bring: it closes what finds none, at once. */
union ipc_control_all {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * SCM_FDS_MAX)];
};

/* Fewer than came, or none: -EMSGSIZE. */
static int take_fds(struct msghdr *msg, struct ipc_fds *fds, void (*drop)(int fd, void *data),
		    void *data)
{
	struct cmsghdr *cmsg;
	int err = 0;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t count;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
			if (fds->count < IPC_FDS_MAX) {
				fds->fd[fds->count++] = fd;
			} else {
				drop(fd, data);
				err = -EMSGSIZE;
			}
		}
	}
	return err;
}

static void close_one(int fd, void *data)
{
	(void)data;
	close_fd(fd);
}

ssize_t ipc_recv_dropping(int sock, void *packet, size_t size, void (*drop)(int fd, void *data),
			  void *data, struct ipc_fds *ret_fds)
{
	struct ipc_fds fds = IPC_FDS_NONE;
	union ipc_control_all control;
	struct iovec iov = { .iov_base = packet, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t got;

	do {
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (take_fds(&msg, &fds, drop, data) || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		got = -EMSGSIZE;
	if (got >= 0 && ret_fds) {
		*ret_fds = fds;
		return got;
	}
	for (size_t i = 0; i < fds.count; i++)
		drop(fds.fd[i], data);
	return got;
}

ssize_t ipc_recv(int sock, void *packet, size_t size, struct ipc_fds *ret_fds)
{
	return ipc_recv_dropping(sock, packet, size, close_one, NULL, ret_fds);
}

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

void ipc_refuse_fds(int sock)
{
	static const int no = 0;

	(void)setsockopt(sock, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof(no));
}

ssize_t ipc_peek(int sock, void *ret_bytes, size_t size, bool *ret_brings_fds)
{
	struct iovec iov = { .iov_base = ret_bytes, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t got;

	do {
		got = recvmsg(sock, &msg, MSG_PEEK);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	*ret_brings_fds = msg.msg_flags & MSG_CTRUNC; /* there is no room for any */
	return got;
}

static int unix_address(const char *path, struct sockaddr_un *ret_addr)
{
	*ret_addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret_addr->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret_addr->sun_path, path, strlen(path) + 1);
	return 0;
}

int ipc_connect(const char *path, int type)
{
	static const struct timeval patience = { .tv_sec = CONNECT_S }, none;
	_cleanup_fd_ int sock = -1;
	struct sockaddr_un addr;
	int err = unix_address(path, &addr);

	if (err)
		return err;
	sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	/* else it waits for ever while a listener does not accept and its backlog is full */
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
	return take_fd(&sock);
}

int ipc_listen(const char *path, int type, mode_t mode)
{
	_cleanup_fd_ int sock = -1;
	struct sockaddr_un addr;
	int err = unix_address(path, &addr);

	if (err)
		return err;
	sock = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return -errno;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	if (chmod(path, mode) < 0 || listen(sock, 128) < 0)
		return -errno;
	return take_fd(&sock);
}
