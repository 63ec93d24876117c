/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Packets with descriptors over SOCK_SEQPACKET sockets.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define IPC_FDS_MAX 4

struct ipc_fds {
	int fd[IPC_FDS_MAX];
	size_t count;
};

#define IPC_FDS_NONE ((struct ipc_fds){ .fd = { -1, -1, -1, -1 } })

void ipc_fds_close(struct ipc_fds *fds);
#define _cleanup_ipc_fds_ _cleanup_(ipc_fds_close)

/* Sends one packet; `fds` may be NULL and stay the caller's. 0 or -errno (-EAGAIN: would block,
 * nothing was sent). Never raises SIGPIPE. */
int ipc_send(int sock, const void *packet, size_t size, const struct ipc_fds *fds);

/*
 * Receives one packet of at most `size` bytes. Returns its bytes, 0 at the end of the connection,
 * -errno otherwise; -EMSGSIZE when the packet was longer or carried too many descriptors (they are
 * closed). Received descriptors are close-on-exec and the caller's.
 */
ssize_t ipc_recv(int sock, void *packet, size_t size, struct ipc_fds *ret_fds);

/* The same from a peer whose descriptors must not be closed here and now, as that can wait:
 * whatever is not returned goes to `drop`. */
ssize_t ipc_recv_dropping(int sock, void *packet, size_t size, void (*drop)(int fd, void *data),
			  void *data, struct ipc_fds *ret_fds);

/*
 * From now on nobody can send descriptors to this socket, or to what is accepted from it (Linux
 * 6.16). Whoever must not wait cannot rely on it: what an older kernel let through waits in the
 * socket, and is closed by whoever receives it or closes the socket.
 */
void ipc_refuse_fds(int sock);

/* Whether descriptors come with the next packet, or with the next `size` bytes of a stream or right
 * behind them; the bytes are copied to `ret_bytes`. Nothing is received. -errno, as of a receive. */
ssize_t ipc_peek(int sock, void *ret_bytes, size_t size, bool *ret_brings_fds);

/* Connects to, or listens on (mode as given, an old socket file is replaced), a path. -ETIMEDOUT: the
 * listener takes no connections. */
int ipc_connect(const char *path, int type);
int ipc_listen(const char *path, int type, mode_t mode);
