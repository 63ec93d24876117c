/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One job beside the caller, for calls into the kernel that do nothing but wait: a change of a
 * map of maps and the move into a cgroup each take an RCU grace period, some 10 ms.
 */

#include <pthread.h>
#include <stdbool.h>

struct aside {
	pthread_t thread;
	bool running;
	int (*job)(void *data);
	void *data;
	int result;
};

/* Starts it, after the end of the one before. Where no thread can be had, does it here and now. The
 * job runs with all signals blocked and may share with its caller only what `data` is. */
void aside_start(struct aside *aside, int (*job)(void *data), void *data);

/* Waits for the end of what was started last, if anything; returns what the job returned. */
int aside_wait(struct aside *aside);
