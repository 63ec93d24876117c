/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The /proc of the process that asks. A policy names it /proc/self; the kernel names it by a number
 * that is not known before the process is. So what process P does to
 *	/proc/P/REST   and   /proc/P/task/T/REST
 * is decided as if it were done to /proc/self/REST. Whatever decides about a path asks here first;
 * /proc of another process keeps its number, and no line with /proc/self is about it.
 *
 * A thread's files are those of its process: else a deny of /proc/self/environ would not hold for
 * /proc/self/task/T/environ. The directory /proc/P/task, which lists threads, is /proc/self/task.
 *
 * Numbers in paths are those of the PID namespace that the proc file system was mounted for. `pid`
 * must be the process's number in that namespace. The number that events carry is the initial
 * namespace's; it is the right one for the proc file system that was mounted there, and says
 * nothing about another one's: there, a number that is equal by chance would be another process.
 * Where that is not known, the caller must not ask, and the path keeps its number: then nothing
 * is allowed by a line with /proc/self.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/event.h"

#define POLICY_PROC_SELF "/proc/self"
#define POLICY_PROC_SELF_MAX (MF_PATH_MAX + sizeof(POLICY_PROC_SELF) - sizeof("/proc/1"))

/*
 * Whether the path (absolute, as the kernel names it) is in `pid`'s own /proc. Then the path that
 * policies have for it is written to ret_path, without a NUL at the end, and its size to *ret_size.
 * pid 0: not known, nothing is its own.
 */
bool policy_proc_self(const char *path, size_t size, uint32_t pid,
		      char ret_path[POLICY_PROC_SELF_MAX], size_t *ret_size);

/*
 * What a path of a policy's text is a name for, without looking: /proc/thread-self and
 * /proc/self/task/ANY are /proc/self. NULL: for nothing else.
 */
const char *policy_proc_self_link(const char *path, size_t size);
/* Whether it is /proc/self or in it: what is there differs from process to process. */
bool policy_proc_self_has(const char *path, size_t size);
