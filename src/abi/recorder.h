/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Guard ↔ recorder, a SOCK_SEQPACKET pair made before the fork. Fixed-size packets.
 *
 * The drain barrier: when a request ends, the recorder takes the ring's producer position, asks
 * MF_R_BARRIER, and closes the record when the guard has answered (its notification queues were
 * empty after the question) and the ring has been read up to the position that it had when the
 * answer came. Several ends share one barrier.
 */

#include <linux/types.h>

#include "control.h"
#include "limits.h"

enum mf_recorder_kind {
	MF_R_SESSION = 1, /* guard → recorder: struct mf_r_session + 1 fd (journal), and with
			   * MF_RS_POLICY a second: the image of its policy, a sealed memfd */
	MF_R_GONE = 2, /* guard → recorder: struct mf_r_gone: every task is dead and detached */
	MF_R_BARRIER = 3, /* recorder → guard and back: struct mf_r_token */
	MF_R_STATS = 4, /* guard → recorder: struct mf_r_token; back: struct mf_r_stats */
	MF_R_STATE = 5, /* recorder → guard: struct mf_r_token, token is the errno while the log
			    * cannot be written, else 0 */
	MF_R_QUIT = 6, /* guard → recorder: struct mf_r_token: finish, then exit */
	MF_R_POLICY =
		7, /* guard → recorder: struct mf_r_policy, and with MF_RP_LOADED 1 fd, the image */
};

struct mf_recorder_head {
	__u32 version;
	__u32 kind;
};

struct mf_r_session {
	struct mf_recorder_head head;
	__u64 session;
	__u64 started_ns; /* CLOCK_REALTIME */
	__u64 started_mono_ns; /* CLOCK_MONOTONIC, the same moment */
	__u64 root_start_ns; /* start_boottime of the root process */
	__u32 slot;
	__u32 uid;
	__u32 root_pid;
	__u32 relay_pid;
	__u32 engine;
	__u32 coverage;
	__u32 mounts_unmarked;
	__u32 flags; /* MF_RS_* */
	char name[MF_NAME_LEN];
	char tenant[MF_NAME_LEN];
	char cwd[MF_CWD_LEN]; /* of the waiting root process, by readlink of /proc/PID/cwd; NUL
			       * terminated, empty when not known or longer */
	/* with MF_RS_POLICY */
	__u64 policy_generation; /* 1, 2, … */
	__u32 policy_mode; /* enum mf_pol_mode: a limit */
	__u32 floor; /* MF_FLOOR_* */
	char policy_name[MF_NAME_LEN]; /* NUL terminated */
};

enum {
	MF_RS_RESUMED = 1 << 0, /* an earlier recorder died: there is a gap before this */
	MF_RS_DIGEST_ONLY = 1 << 1, /* arguments and replies as digests only */
	MF_RS_POLICY = 1 << 2,
};

/* Of a running session: its policy was replaced, was not, or has another mode. */
struct mf_r_policy {
	struct mf_recorder_head head;
	__u64 session;
	__u64 generation; /* in force from now on */
	__u64 since_ns; /* CLOCK_MONOTONIC: what happened before was decided by the one before */
	__u32 mode; /* enum mf_pol_mode: a limit */
	__u32 change; /* enum mf_r_policy_change */
	__s32 error; /* of MF_RP_REFUSED: -errno */
	__u32 coverage; /* MF_COV_* */
	char name[MF_NAME_LEN]; /* NUL terminated */
};

enum mf_r_policy_change {
	MF_RP_LOADED = 1,
	MF_RP_REFUSED = 2, /* there is a new text, and it cannot be taken */
	MF_RP_MODE = 3,
};

struct mf_r_gone {
	struct mf_recorder_head head;
	__u64 session;
	__u32 relay_died; /* the owner's connection ended without MF_C_END */
	__u32 killed;
	__u32 survived;
	__u32 pad;
	struct mf_leftover leftovers[MF_LEFTOVERS_MAX];
};

struct mf_r_token {
	struct mf_recorder_head head;
	__u64 token;
};

struct mf_r_stats {
	struct mf_recorder_head head;
	__u64 token;
	struct mf_stats stats; /* only the rec_ fields are set */
};

#ifndef __bpf__
_Static_assert(sizeof(struct mf_r_session) == 1304, "struct mf_r_session");
_Static_assert(sizeof(struct mf_r_policy) == 112, "struct mf_r_policy");
#endif
