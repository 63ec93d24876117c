/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The guards that run: the daemon at RUN_DIR/control.sock and the private ones at
 * RUN_DIR/guard-PID.sock. Each is asked over the control protocol (abi/control.h).
 */

#include <stddef.h>
#include <stdint.h>

#include "abi/control.h"

/* One session of one guard, or one guard. A negative return ends the walk and is passed on. */
typedef int (*guards_each_session)(const struct mf_c_hello_reply *guard,
				   const struct mf_c_list_reply *session, void *data);
typedef int (*guards_each_guard)(const struct mf_c_hello_reply *guard,
				 const struct mf_c_stats_reply *stats, void *data);

struct guards_walk {
	guards_each_guard guard; /* may be NULL */
	guards_each_session session; /* may be NULL; after its guard */
	void *data;
};

/*
 * Returns the number of guards that answered, or -errno when one is there and cannot be asked; the
 * others are asked nevertheless. Guards of other users are none of ours and passed over.
 */
int guards_ask(const char *run_dir, const struct guards_walk *walk, size_t *ret_sessions);

/* A session that runs, and where its guard is asked. */
struct guards_found {
	struct mf_c_list_reply session;
	char path[108];
};

/*
 * The one session with this id or name. 0; -ENOENT: there is none; -ENOTUNIQ: several have that name;
 * or as guards_ask().
 */
int guards_find(const char *run_dir, const char *wanted, struct guards_found *ret_found);
/* Asks its guard; *ret_detail: enum mf_c_detail of a failure. */
int guards_change(const struct guards_found *found, const struct mf_c_mode *request,
		  uint32_t *ret_detail);

const char *guards_state_name(unsigned state);
const char *guards_engine_name(unsigned engine);
/* The name of reason `reason`, "" when there is none. */
