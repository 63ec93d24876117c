/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Who asks, and whether the process that is to become a session's root is really the asker's.
 */

#include <stdint.h>
#include <sys/types.h>

#include "guard/proc.h"

struct peer {
	uid_t uid; /* effective, when it connected */
	pid_t pid; /* in the guard's pid namespace; 0: outside of it */
	pid_t proc; /* its number in /proc; 0: not known */
};

/* A pidfd of whoever connected; -errno: it is dead, or it cannot be told. */
int peer_pidfd(int sock);
/* By SO_PEERCRED, the numbers by SO_PEERPIDFD where the kernel has it (6.5). */
int peer_read(int sock, struct peer *ret_peer);

struct child {
	struct proc_numbers numbers;
	struct proc_status status;
};

/*
 * The process behind `pidfd` is alive, a child of the peer, runs with the peer's uid and no other,
 * and is called `seen_as` in some pid namespace. -EBADF: no pidfd; -EPERM: not the peer's; -ESRCH.
 */
int child_check(int pidfd, const struct peer *peer, uint32_t seen_as, struct child *ret_child);
