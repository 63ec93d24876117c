/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One end of a stream, by what can be done with it without blocking and without changing it.
 *
 * The client's stdin and stdout are open file descriptions that others may hold too (the client
 * itself, a terminal's shell): O_NONBLOCK on them would break those. So sockets are read and written
 * with MSG_DONTWAIT, pipes with RWF_NOWAIT (Linux 6.4), and terminals are opened once more; elsewhere
 * a ready descriptor is read once, or written with at most PIPE_BUF bytes, for which a writable pipe
 * has room. O_NONBLOCK is set only on descriptions that are ours alone, as all towards the server.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum channel_kind {
	CHANNEL_OWN, /* O_NONBLOCK is set */
	CHANNEL_SOCKET,
	CHANNEL_NOWAIT, /* preadv2, pwritev2 */
	CHANNEL_READY, /* only when poll() said so */
	CHANNEL_FILE, /* never blocks for long */
};

struct channel {
	int fd; /* -1: closed, or at its end */
	enum channel_kind kind;
};

void channel_init(struct channel *channel, int fd, bool own);
/* Bytes, 0 at the end, -EAGAIN, or another -errno. */
ssize_t channel_read(struct channel *channel, void *bytes, size_t size);
/* -EPIPE: nobody reads any more. */
ssize_t channel_write(struct channel *channel, const void *bytes, size_t size);
