/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The guard's loop: one epoll, one thread. One event is taken at a time, so that a handler may free
 * any source, its own included, without another event of the same batch pointing at it.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

struct source {
	int fd; /* -1: not watched */
	void (*ready)(struct source *source, uint32_t events);
};

#define SOURCE_NONE ((struct source){ .fd = -1 })

#define source_owner(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

int loop_watch(int epoll, struct source *source, int fd, uint32_t events,
	       void (*ready)(struct source *source, uint32_t events));
int loop_rewatch(int epoll, struct source *source, uint32_t events);
/* Stops watching; the descriptor stays open and the caller's. */
void loop_unwatch(int epoll, struct source *source);
/* Waits until `until_ns` (CLOCK_MONOTONIC, 0: for ever) and runs one handler at most. 0 or -errno. */
int loop_step(int epoll, uint64_t until_ns);
