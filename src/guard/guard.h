/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The guard process, privately for one `mcpfloor run` or as the daemon.
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi/control.h"

struct guard_options {
	const char *state_dir;
	const char *run_dir; /* for the sockets, e.g. /run/mcpfloor */
	uint32_t ring_bytes; /* 0: default */
	uint32_t engine; /* enum mf_engine; 0: the best that works here */
	bool syn_by_kprobe; /* as struct engine_options */
};

/*
 * Forks a private guard (and through it a recorder), detached from the caller's terminal, stdio and
 * process group, but in its pid and mount namespace. On success *ret_control is a connected control
 * socket (abi/control.h) of which the guard trusts the peer as root. The guard ends by itself when
 * this connection is closed and its session is cleaned up.
 */
int guard_start_private(const struct guard_options *options, int *ret_control);

/*
 * For a relay whose guard died: kills what is in its session's cgroup, waits for it at most 2 s and
 * removes the cgroup, as far as the caller may (root: whole; a user: its own processes, and the
 * cgroup stays for the next guard's sweep). *ret_reply as MF_C_END's. -ENOENT: there is no cgroup.
 */
int guard_end_orphan(uint64_t session, struct mf_c_end_reply *ret_reply);

/* Runs the daemon in the foreground until SIGTERM or SIGINT. Returns an exit status. Listens on
 * RUN_DIR/control.sock (0666) and RUN_DIR/query.sock (0666). */
int guard_run_daemon(const struct guard_options *options);
