/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Ownership by scope. An owning local has one of these attributes and an initial value; handing it
 * over is take_ptr() or take_fd().
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *slot)
{
	free(*(void **)slot);
}

/* Closes and forgets; keeps errno. Returns -1, so that `fd = close_fd(fd)` reads well. */
static inline int close_fd(int fd)
{
	if (fd >= 0) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
	return -1;
}

static inline void cleanup_fd(int *slot)
{
	close_fd(*slot);
}

static inline void cleanup_file(FILE **slot)
{
	if (*slot)
		fclose(*slot);
}

#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_fd_ _cleanup_(cleanup_fd)
#define _cleanup_file_ _cleanup_(cleanup_file)

static inline int take_fd(int *slot)
{
	int fd = *slot;

	*slot = -1;
	return fd;
}

#define take_ptr(slot)                             \
	({                                         \
		__typeof__(slot) *slot_ = &(slot); \
		__typeof__(slot) taken_ = *slot_;  \
		*slot_ = NULL;                     \
		taken_;                            \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
