/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Closing what an ordinary user handed over. The close of a descriptor can wait for as long as its
 * former owner likes: a socket with SO_LINGER for its peer, a file of a FUSE mount for the process
 * that serves it. So can the close of a connection in which such descriptors were never received.
 * The guard's loop answers opens that wait, the recorder's reads what happens, so they hand such a
 * close to threads.
 *
 * A thread that waits is woken by a signal each second, which ends a lingering. What serves a FUSE
 * mount can keep one for ever; so what one user has under way is bounded by whoever receives.
 */

#include <stddef.h>
#include <sys/types.h>

#define DISPOSAL_THREADS_MAX 256
#define DISPOSAL_QUEUE_MAX 16384
#define DISPOSAL_BUSY 1024 /* waiting: time to take no further connections */
#define DISPOSAL_PER_USER 16 /* received descriptors under way: time to receive no others */

#define DISPOSAL_NOBODY ((uid_t)-1)

/* Takes over `fd`, which `uid` sent; DISPOSAL_NOBODY: a connection itself. */
void disposal_close(int fd, uid_t uid);
/* In a child that was forked: the threads are its parent's, and so is what they close. */
void disposal_forked(void);
/* How many wait for a thread. */
size_t disposal_waiting(void);
/* How many of this user's are not closed yet. */
size_t disposal_under_way(uid_t uid);
