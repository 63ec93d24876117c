/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Ending a session without its guard: everything in its cgroup, which the guard made for it alone.
 */

#include <stdbool.h>
#include <sys/types.h>

struct stray {
	char cgroup
		[8192]; /* what /proc/PID/cgroup says; "": not known, and nothing is killed by it */
};

/* `pid`: of the server, which is in its cgroup by now. */
void stray_learn(struct stray *stray, pid_t pid);
/* Kills until nobody is left, or a bound is reached. */
void stray_kill(const struct stray *stray);
