/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The guard's control socket: SOCK_SEQPACKET, one packet per request, one packet per reply, all of
 * fixed size. Nothing in it is text that an MCP peer wrote; names are bounded byte strings that the
 * guard copies and never interprets.
 *
 * Who asks is told by SO_PEERCRED alone. One table in src/guard/control.c says for every request:
 * who may send it, in which state of the connection, its exact size, how many descriptors come
 * along, and its handler. Anything else closes the connection.
 *
 * A connection that opened a session owns it: when it is closed without MF_C_END, the guard kills
 * what is left of the session.
 */

#include <linux/types.h>

#include "event.h"
#include "limits.h"

enum mf_control_kind {
	MF_C_HELLO = 1, /* anyone: struct mf_c_hello → struct mf_c_hello_reply */
	MF_C_OPEN = 2, /* anyone, once: struct mf_c_open + 1 fd (pidfd of the waiting child)
			   * → struct mf_c_open_reply + 2 fds (page map, journal socket) */
	MF_C_END = 3, /* owner: struct mf_c_end → struct mf_c_end_reply. Kills what is left */
	MF_C_LIST = 4, /* anyone: struct mf_c_list → struct mf_c_list_reply, one session each; own
			   * sessions, all for root */
	MF_C_STATS = 5, /* anyone: struct mf_c_list → struct mf_c_stats_reply; only root sees what
			 * adds up all users: others get their own sessions, faults and losses */
	MF_C_SIGNAL = 6, /* owner: struct mf_c_signal → struct mf_control: to every live task's
			   * process of the session */
	MF_C_JOURNAL = 7, /* guard → owner, unasked: struct mf_control + 1 fd: the recorder was
			   * replaced, this is the new journal socket */
	MF_C_STATE = 8, /* guard → owner, unasked: struct mf_control: the log cannot be written,
			 * `error` says why; 0: it can again */
	MF_C_PREPARE =
		9, /* anyone, before it forks: struct mf_c_hello → struct mf_c_hello_reply with
			   * the engine that a session will have. Another one than `trace` is loaded
			   * then, so it is certain; what failed is told by MF_C_OPEN */
	MF_C_POLICY =
		10, /* struct mf_c_policy + 1 fd (sealed memfd with an image of abi/policy.h) →
			   * struct mf_control. Anyone, once, before MF_C_OPEN; then the owner, as often
			   * as it changes: what is answered 0 is in force as a whole */
	MF_C_POLICY_BAD =
		11, /* owner: struct mf_c_hello, unanswered: its policy changed, and cannot
			       * be taken; the one before stays in force */
	MF_C_MODE = 12, /* anyone who may see it, and is in no session: struct mf_c_mode →
			 * struct mf_control. Guard → owner, unasked: struct mf_c_mode, it changed */
	MF_C_RELOAD =
		13, /* the same: struct mf_c_mode → struct mf_control: the owner is told to read
			   * its policy again. Guard → owner, unasked: struct mf_c_mode */
};

struct mf_control {
	__u32 version; /* MF_ABI_VERSION */
	__u32 kind; /* enum mf_control_kind */
	__s32 error; /* replies: 0 or -errno */
	__u32 detail; /* replies with error: enum mf_c_detail */
};

enum mf_c_detail {
	MF_D_NONE = 0,
	MF_D_NOT_OWNER = 1, /* the pidfd is not a child of the peer, or not the peer's user */
	MF_D_TOO_MANY = 2, /* MF_SESSIONS_MAX sessions already */
	MF_D_TAG = 3, /* the root process could not be tagged */
	MF_D_NO_BTF = 4, /* the kernel has no BTF (/sys/kernel/btf/vmlinux) */
	MF_D_LIBBPF = 5, /* BTF is there, but this libbpf cannot read it */
	MF_D_ENGINE = 6, /* required hooks could not be loaded or attached */
	MF_D_RECORDER = 7, /* the recorder is not there */
	MF_D_STATE_DIR = 8, /* the state directory cannot be written */
	MF_D_LOG_FOREIGN = 9, /* its log directory is not the recorder's, or open to others */
	MF_D_POLICY = 10, /* the policy's bytes are not what the guard takes */
	MF_D_ENFORCE = 11, /* this engine, or this kernel, cannot refuse what a policy denies */
	MF_D_FLOOR = 12, /* it can refuse a part only, and that was not asked for */
	MF_D_IN_SESSION = 13, /* who asks is in a session itself, or it cannot be told */
	MF_D_NO_SESSION = 14, /* there is none of that id that the peer may see */
	MF_D_NO_POLICY = 15, /* it has none */
	MF_D_STATIC =
		16, /* the relay's own: no static floor could be put on the server's process */
};

/* what of the engine is in force for a session; also in records and `ps` */
enum {
	MF_COV_LINEAGE = 1 << 0, /* fork, exec, exit */
	MF_COV_FILES = 1 << 1, /* opens and execs, fanotify permission events */
	MF_COV_CHANGES = 1 << 2, /* create, delete, rename, attributes: notifications */
	MF_COV_NET = 1 << 3, /* connect, send, bind */
	MF_COV_TCP = 1 << 4, /* what really left */
	MF_COV_CGROUP = 1 << 5, /* the session has its own cgroup */
	/* what is refused, where its policy says so */
	MF_COV_REFUSES_OPENS = 1 << 6, /* and execs */
	MF_COV_REFUSES_CHANGES = 1 << 7,
	MF_COV_REFUSES_NET = 1 << 8,
	MF_COV_REFUSES_ESCAPES = 1 << 9,
};

enum mf_engine {
	MF_ENGINE_TRACE = 1,
	MF_ENGINE_LSM = 2,
	MF_ENGINE_KPROBE = 3,
};

enum mf_session_state {
	MF_S_OBSERVING = 1,
	MF_S_AUDIT_FAILURE = 2, /* the log cannot be written */
	MF_S_NO_RECORDER = 3,
	MF_S_ENDING = 4,
	MF_S_ENFORCING = 5, /* what its policy denies is refused */
	MF_S_ENFORCING_PART = 6, /* … a part of it: see MF_COV_REFUSES_* */
};

/*
 * What a session's own process is denied once and for all before it executes the server, besides what
 * the engine decides: src/relay/floor.c. The lower 16 bits are 1 << enum mf_pol_escape.
 */
enum {
	MF_FLOOR_WAYS = 0xffff,
	MF_FLOOR_CHANGES =
		1 << 16, /* changes of files by name that nothing of its policy can allow */
	MF_FLOOR_ALL_CHANGES = 1 << 17, /* all of them: nothing of its policy allows any */
	MF_FLOOR_ABSTRACT = 1 << 18, /* abstract sockets of others */
};

struct mf_c_hello {
	struct mf_control head;
};

struct mf_c_hello_reply {
	struct mf_control head;
	__u32 guard_pid;
	__u32 recorder_pid;
	__u32 engine; /* enum mf_engine; 0: not loaded until a session opens */
	__u32 private_guard; /* 1: lives for one `mcpfloor run` */
	char release[32]; /* mcpfloor's version */
};

/* mf_c_open.flags */
enum {
	MF_OPEN_MNTNS = 1 << 0, /* the child is in a mount namespace of its own */
	MF_OPEN_USERNS = 1 << 1, /* and in a user namespace that waits for its identity maps */
	MF_OPEN_DIGEST_ONLY = 1 << 2,
};

struct mf_c_open {
	struct mf_control head;
	char name[MF_NAME_LEN]; /* NUL terminated, not empty, not unique */
	char tenant[MF_NAME_LEN]; /* NUL terminated, may be empty */
	__u32 flags;
	__u32 child_pid; /* as the relay sees it, only to be compared with the pidfd's */
	__u32 floor; /* MF_FLOOR_*: what it has already denied itself */
	__u32 pad;
};

struct mf_c_open_reply {
	struct mf_control head;
	__u64 session; /* random, never 0, never used again by this guard */
	__u32 engine; /* enum mf_engine */
	__u32 coverage; /* MF_COV_* */
	__u32 slot;
	__u32 mounts; /* marked */
	__u32 mounts_unmarked; /* could not be marked: their opens are not seen */
	__u32 pad;
};

struct mf_c_end {
	struct mf_control head;
	__u32 status; /* as in wait(2) */
	__u32 flags; /* MF_EXIT_* of abi/journal.h */
};

/* mf_c_policy.flags */
enum {
	MF_POLICY_PART = 1 << 0, /* enforce what can be, where the engine cannot refuse all */
};

#define MF_COV_REFUSES                                                        \
	(MF_COV_REFUSES_OPENS | MF_COV_REFUSES_CHANGES | MF_COV_REFUSES_NET | \
	 MF_COV_REFUSES_ESCAPES)

struct mf_c_policy {
	struct mf_control head;
	__u32 mode; /* enum mf_pol_mode, a limit: no block of the policy weighs more. Of a session
		     * that is there: not read, MF_C_MODE is for that */
	__u32 flags;
	__u64 generation; /* that it will be: 0 before MF_C_OPEN, else one more than it was */
	char name[MF_NAME_LEN]; /* for people; NUL terminated, not empty */
};

struct mf_c_mode {
	struct mf_control head;
	__u64 session;
	__u32 mode; /* enum mf_pol_mode */
	__u32 flags; /* MF_POLICY_* */
};

#define MF_POLICY_BYTES_MAX (16U << 20) /* of an image that a session brings along */

struct mf_leftover {
	__u32 pid;
	__u32 pad;
	__u64 birth; /* stamp: in which request it was born; MF_BIRTH_UNKNOWN */
	char comm[MF_COMM_LEN];
	char exe[224]; /* cut at the left when longer */
};

#define MF_BIRTH_UNKNOWN (~0ULL)
#define MF_LEFTOVERS_MAX 16

struct mf_c_end_reply {
	struct mf_control head;
	__u32 killed; /* processes that were still there */
	__u32 survived; /* could not be killed within the bound */
	struct mf_leftover leftovers[MF_LEFTOVERS_MAX]; /* the first of them */
};

struct mf_c_signal {
	struct mf_control head;
	__u32 signo; /* SIGTERM or SIGKILL only */
	__u32 pad;
};

struct mf_c_list {
	struct mf_control head;
	__u32 index; /* 0, 1, …: -ENOENT ends the list */
	__u32 pad;
};

struct mf_c_list_reply {
	struct mf_control head;
	__u64 session;
	__u64 started_ns; /* CLOCK_REALTIME */
	__u32 uid;
	__u32 root_pid;
	__u32 relay_pid;
	__u32 engine;
	__u32 coverage;
	__u32 state; /* enum mf_session_state */
	__u32 in_flight; /* from the page */
	__u32 processes; /* tagged tasks alive */
	struct mf_session_counters counters;
	char name[MF_NAME_LEN];
	char tenant[MF_NAME_LEN];
	__u64 generation; /* of its policy: 1, 2, …; 0: it has none */
	__u32 mode; /* enum mf_pol_mode: as far as its policy goes */
	__s32 policy_error; /* -errno: a later text could not be taken, this one stays in force */
	__u32 floor; /* MF_FLOOR_* */
	__u32 pad;
};

/* counters of the whole guard and of the recorder; named in src/cli/stats.c by a table */
struct mf_stats {
	__u64 sessions_opened;
	__u64 sessions_live;
	__u64 control_rejected; /* packets that the request table refused */
	__u64 file_questions; /* fanotify permission events answered */
	__u64 file_untagged; /* of them, by tasks of no session */
	__u64 notifications; /* fanotify notifications read */
	__u64 notifications_untagged;
	__u64 notify_overflows;
	__u64 mounts_unmarked;
	__u64 recorder_restarts;
	__u64 rec_events; /* ring records read */
	__u64 rec_bad_events; /* of them, malformed or of an unknown kind */
	__u64 rec_unknown_session;
	__u64 rec_folded; /* events counted into an equal row */
	__u64 rec_rows_capped; /* events that only raised a count: the record was full */
	__u64 rec_journal_entries;
	__u64 rec_journal_bad;
	__u64 rec_records; /* request records written */
	__u64 rec_entries; /* log entries written, of every type */
	__u64 rec_bytes;
	__u64 rec_write_errors;
	__u64 rec_queries;
	__u64 rec_epoch_unknown; /* events whose set in flight the journal did not tell */
	__u64 recorder_dropped; /* packets that the recorder could not be given */
	__u64 clients_dropped; /* connections closed because the client did not read */
	__u64 clients_refused; /* connections over the bounds */
	__u64 cgroups_missing; /* sessions that had to go without a cgroup */
	__u64 cgroups_swept; /* left by dead guards and removed */
	__u64 survivors; /* processes that outlived the bound of an ending */
	__u64 reserved[3];
};

struct mf_c_stats_reply {
	struct mf_control head;
	struct mf_stats stats;
};

#ifndef __bpf__
_Static_assert(sizeof(struct mf_control) == 16, "struct mf_control");
_Static_assert(sizeof(struct mf_c_open) == 160, "struct mf_c_open");
_Static_assert(sizeof(struct mf_c_open_reply) == 48, "struct mf_c_open_reply");
_Static_assert(sizeof(struct mf_c_policy) == 96, "struct mf_c_policy");
_Static_assert(sizeof(struct mf_leftover) == 256, "struct mf_leftover");
_Static_assert(sizeof(struct mf_c_list_reply) == 472, "struct mf_c_list_reply");
_Static_assert(sizeof(struct mf_stats) == 256, "struct mf_stats");
#endif
