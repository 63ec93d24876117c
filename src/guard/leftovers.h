/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The processes of a session that are still there: found by their tags and by the session's cgroup,
 * named for the record, signalled.
 *
 * A pid is only a number. Each is enumerated, its pidfd opened, and enumerated again: a process
 * that was listed by both passes and whose pidfd is alive after the second is the listed one.
 */

#include "abi/control.h"
#include "engine/engine.h"

#define LEFTOVERS_ROUND_MAX 4096 /* signalled in one round; the next takes the others */

struct leftovers {
	size_t count; /* alive and of the session */
	size_t named;
	struct mf_leftover name[MF_LEFTOVERS_MAX];
};

/*
 * Finds them and sends `signo` (0: none) to each. `engine` is NULL and `cgroup_fd` -1 when there is
 * none. Fills
 * *ret_leftovers, which may be NULL.
 */
int leftovers_signal(struct engine *engine, uint64_t session, int cgroup_fd, int signo,
		     struct leftovers *ret_leftovers);
