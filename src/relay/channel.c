/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

/*
 * A terminal that says that it is writable may wait all the same, for as long as nobody reads its
 * other end or it is stopped. Unlike a pipe it can be opened once more, and that description is ours
 * alone. Not so the master's end of a pseudo terminal: opened again it is another one.
 */
static bool reopen(int fd)
{
	_cleanup_fd_ int again = -1;
	char path[32];
	int number;

	if (!isatty(fd) || ioctl(fd, TIOCGPTN, &number) == 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, (fcntl(fd, F_GETFL) & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return again >= 0 && dup3(again, fd, O_CLOEXEC) == fd;
}

void channel_init(struct channel *channel, int fd, bool own)
{
	struct stat st;

	channel->fd = fd;
	channel->kind = own ? CHANNEL_OWN : CHANNEL_READY;
	if (own || fstat(fd, &st) < 0)
		return;
	if (S_ISSOCK(st.st_mode))
		channel->kind = CHANNEL_SOCKET;
	else if (S_ISFIFO(st.st_mode))
		channel->kind = CHANNEL_NOWAIT;
	else if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		channel->kind = CHANNEL_FILE;
	else if (S_ISCHR(st.st_mode) && reopen(fd))
		channel->kind = CHANNEL_OWN;
}

static bool ready(int fd, short events)
{
	struct pollfd one = { .fd = fd, .events = events };

	return poll(&one, 1, 0) > 0;
}

static ssize_t read_once(struct channel *channel, void *bytes, size_t size)
{
	struct iovec iov = { .iov_base = bytes, .iov_len = size };
	ssize_t got;

	switch (channel->kind) {
	case CHANNEL_SOCKET:
		return recv(channel->fd, bytes, size, MSG_DONTWAIT);
	case CHANNEL_NOWAIT:
		got = preadv2(channel->fd, &iov, 1, -1, RWF_NOWAIT);
		if (got >= 0 || (errno != EOPNOTSUPP && errno != EINVAL))
			return got;
		channel->kind = CHANNEL_READY;
		return read_once(channel, bytes, size);
	case CHANNEL_READY:
		if (!ready(channel->fd, POLLIN)) {
			errno = EAGAIN;
			return -1;
		}
		return read(channel->fd, bytes, size);
	default:
		return read(channel->fd, bytes, size);
	}
}

ssize_t channel_read(struct channel *channel, void *bytes, size_t size)
{
	ssize_t got;

	do {
		got = read_once(channel, bytes, size);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static ssize_t write_once(struct channel *channel, const void *bytes, size_t size)
{
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = size };
	ssize_t put;

	switch (channel->kind) {
	case CHANNEL_SOCKET:
		return send(channel->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	case CHANNEL_NOWAIT:
		put = pwritev2(channel->fd, &iov, 1, -1, RWF_NOWAIT);
		if (put >= 0 || (errno != EOPNOTSUPP && errno != EINVAL))
			return put;
		channel->kind = CHANNEL_READY;
		return write_once(channel, bytes, size);
	case CHANNEL_READY:
		if (!ready(channel->fd, POLLOUT)) {
			errno = EAGAIN;
			return -1;
		}
		return write(channel->fd, bytes, size < PIPE_BUF ? size : PIPE_BUF);
	default:
		return write(channel->fd, bytes, size);
	}
}

ssize_t channel_write(struct channel *channel, const void *bytes, size_t size)
{
	ssize_t put;

	do {
		put = write_once(channel, bytes, size);
	} while (put < 0 && errno == EINTR);
	if (put < 0 && (errno == ECONNRESET || errno == ENOTCONN))
		return -EPIPE;
	return put < 0 ? -errno : put;
}
