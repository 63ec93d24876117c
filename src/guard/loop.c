/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/loop.h"

#include <errno.h>
#include <limits.h>

#include "base/clock.h"

int loop_watch(int epoll, struct source *source, int fd, uint32_t events,
	       void (*ready)(struct source *source, uint32_t events))
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	source->fd = fd;
	source->ready = ready;
	return 0;
}

int loop_rewatch(int epoll, struct source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(epoll, EPOLL_CTL_MOD, source->fd, &event) < 0 ? -errno : 0;
}

void loop_unwatch(int epoll, struct source *source)
{
	if (source->fd < 0)
		return;
	epoll_ctl(epoll, EPOLL_CTL_DEL, source->fd, NULL);
	source->fd = -1;
}

static int timeout_ms(uint64_t until_ns)
{
	uint64_t now = clock_mono_ns(), ms;

	if (!until_ns)
		return -1;
	if (until_ns <= now)
		return 0;
	ms = (until_ns - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

int loop_step(int epoll, uint64_t until_ns)
{
	struct epoll_event event;
	int count = epoll_wait(epoll, &event, 1, timeout_ms(until_ns));

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	if (count) {
		struct source *source = event.data.ptr;

		source->ready(source, event.events);
	}
	return 0;
}
