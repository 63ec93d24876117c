/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The relay's connection to a guard: the daemon's, or a private one.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/control.h"
#include "relay/launch.h"
#include "relay/relay.h"

struct guard_link {
	int control; /* -1: no guard (any more) */
	int new_journal; /* from MF_C_JOURNAL, -1: none; the taker's */
	uint32_t mode; /* enum mf_pol_mode: as far as the session's policy goes now */
	bool reload; /* somebody asks for it, MF_C_RELOAD; the taker's to clear */
	bool policy_answered; /* MF_C_POLICY of a running session was, by … ; the taker's to clear */
	int policy_error; /* … -errno or 0 */
	int log_error; /* from MF_C_STATE: -errno, why the log cannot be written; 0: it can */
	struct mf_c_open_reply session;
};

/*
 * The daemon under run_dir, else for root a private guard. -ENOTCONN: there is none and the caller
 * is not root.
 */
int guard_link_find(struct guard_link *link, const struct relay_options *options);
/* The engine that the session will have; a failure to load one is told by guard_link_open(). */
int guard_link_prepare(struct guard_link *link, enum mf_engine *ret_engine);
/* Hands over the session's policy, before it is opened. *ret_detail: enum mf_c_detail of a failure. */
int guard_link_policy(struct guard_link *link, const struct relay_policy *policy,
		      uint32_t *ret_detail);
/* Opens the session of a waiting child. The descriptors are the caller's. *ret_detail: enum
 * mf_c_detail of a failure. */
int guard_link_open(struct guard_link *link, const struct relay_options *options, const char *name,
		    const struct launch *launch, int *ret_page, int *ret_journal,
		    uint32_t *ret_detail);
/* Kills what is left of the session and tells what that was. */
int guard_link_end(struct guard_link *link, uint32_t status, uint32_t flags,
		   struct mf_c_end_reply *ret_reply);
/* Replaces the policy of the running session; link->policy_answered tells when that is done. */
int guard_link_replace(struct guard_link *link, const struct relay_policy *policy,
		       uint64_t generation);
/* What is there to replace it cannot be taken. */
int guard_link_policy_bad(struct guard_link *link);
int guard_link_kill(struct guard_link *link);
/* Something arrived unasked. -EPIPE: the guard is gone, `control` is closed. */
int guard_link_read(struct guard_link *link);
void guard_link_close(struct guard_link *link);
