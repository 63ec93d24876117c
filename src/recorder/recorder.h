/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The recorder process: reads the ring and the journals, builds records, appends the log, answers
 * queries. Forked by the guard; takes its descriptors, then gives up every right (user `mcpfloor`
 * when there is one, no_new_privs, seccomp).
 */

#include <stdint.h>
#include <sys/types.h>

struct recorder_options {
	int guard_fd; /* abi/recorder.h */
	int ring_fd;
	uint32_t ring_bytes;
	int counters_fd; /* mmapable array of struct mf_session_counters */
	int state_dir_fd; /* the log directory, opened */
	int query_fd; /* a listening socket of abi/query.h, -1: none */
};

/* Who a recorder becomes: user `mcpfloor` where /etc/passwd has one and we are root, else who we
 * are. The log directory must be this user's. */
void recorder_identity(uid_t *ret_uid, gid_t *ret_gid);

/* Does not return before it is told to quit or the guard is gone. Returns an exit status. Owns the
 * descriptors. */
int recorder_main(const struct recorder_options *options);
