/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The engine: which kernel hooks there are, loading and attaching them, and the file events.
 *
 * The guard is its only user. One engine serves all sessions of a guard; hooks are attached with
 * the first session and detached with the last. Nothing here blocks: the guard's loop watches
 * engine_fd() and calls engine_dispatch() when it is readable.
 *
 * Errors are -errno; engine_strerror() says in words what failed last and the way out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/control.h"
#include "policy/tables.h"

struct engine;
struct mf_ask;

struct engine_options {
	enum mf_engine kind; /* 0: the best that works here */
	bool syn_by_kprobe; /* a kprobe on tcp_connect() tells of a SYN, or no session can be opened */
	uint32_t ring_bytes; /* power of two; 0: the default (4 MiB) */
	uint64_t expected; /* id of the first session, as engine_expect(); 0: not known */
	bool policies; /* sessions may have one: what decides is loaded */
	bool ask_by_iter; /* look tasks up as on kernels before 6.2; for tests */
};

/* Opens and loads, attaches nothing. ret_detail: MF_D_* on failure. */
int engine_open(const struct engine_options *options, struct engine **ret_engine,
		uint32_t *ret_detail);
void engine_close(struct engine *engine);
enum mf_engine engine_kind(const struct engine *engine);
const char *engine_strerror(const struct engine *engine);

/* For the recorder: the ring's map (mmap it, engine/ring.h) and the mmapable counters array,
 * MF_SESSIONS_MAX × struct mf_session_counters. Borrowed. */
int engine_ring_fd(const struct engine *engine);
uint32_t engine_ring_bytes(const struct engine *engine);
int engine_counters_fd(const struct engine *engine);

struct engine_policy {
	const struct policy *tables; /* validated; borrowed for the call */
	enum mf_pol_mode mode; /* no block of it weighs more */
	bool strict;
};

struct engine_session {
	uint64_t id; /* never 0 */
	int pidfd; /* the root process, waiting before its exec; borrowed */
	pid_t pid; /* in the guard's pid namespace */
	int cgroup_fd; /* of the session's cgroup, -1: none; borrowed */
	bool own_mntns; /* the process is in a mount namespace of its own: mark its mounts */
	const struct engine_policy *policy; /* NULL: none */
};

struct engine_session_result {
	uint32_t slot;
	uint32_t coverage; /* MF_COV_*, without MF_COV_CGROUP */
	uint32_t mounts;
	uint32_t mounts_unmarked;
	uint64_t root_start_ns;
	int page_fd; /* map fd of the in-flight page; the caller owns it */
};

/* Tags the process, makes its page, marks its mounts. All or nothing. */
int engine_session_add(struct engine *engine, const struct engine_session *session,
		       struct engine_session_result *ret_result, uint32_t *ret_detail);
/* The id of the next session, when it is known beforehand: then its page stands ready, and adding it
 * does not wait for the kernel. A different id may be added nevertheless. */
void engine_expect(struct engine *engine, uint64_t id);
/* Ends what runs beside (base/aside.h); to be called before a fork. */
void engine_settle(struct engine *engine);
/* Frees the slot and the marks; the last one detaches the hooks. */
void engine_session_remove(struct engine *engine, uint64_t id);
/* Replaces the policy: whatever is decided afterwards is decided by this one, as a whole. -ENODATA: it
 * began without one. The generation grows by one. */
int engine_session_policy(struct engine *engine, uint64_t id, const struct engine_policy *policy);
/* What has a policy only, else -ENODATA. From now on no block of it weighs more. */
int engine_session_mode(struct engine *engine, uint64_t id, enum mf_pol_mode mode);
/* What the kernel's side would decide about an access (bpf/shared.h; `tag`: only `request` is read). */
int engine_session_decide(struct engine *engine, uint64_t id, const struct mf_ask *ask,
			  struct mf_decision *ret_decision);
/* The stamp of its page now; 0 when unknown. */
uint64_t engine_session_stamp(const struct engine *engine, uint64_t id);
int engine_session_counters(const struct engine *engine, uint64_t id,
			    struct mf_session_counters *ret_counters);

struct engine_task {
	uint32_t pid; /* thread group, in the guard's pid namespace */
	uint64_t birth;
	char comm[MF_COMM_LEN];
};

/* Calls `each` for every live process (thread group) that carries the session's tag, wherever its
 * cgroup is. Returns their number or -errno. */
int engine_session_tasks(struct engine *engine, uint64_t id,
			 void (*each)(const struct engine_task *task, void *data), void *data);

/* Whether a process is of some session: 1, 0 (or it is dead); -errno: it cannot be told. */
int engine_has_task(const struct engine *engine, int pidfd);

int engine_fd(const struct engine *engine); /* poll it for reading */
int engine_dispatch(struct engine *engine); /* answers and reports what is there, then returns */
/* Reads the notification queues until they are empty: what happened before this call is in the
 * ring when it returns. */
int engine_drain(struct engine *engine);
/* Adds the engine's own counters (file_questions … mounts_unmarked). */
void engine_stats(const struct engine *engine, struct mf_stats *stats);

/* One row per hook, for `mcpfloor doctor`. */
struct engine_hook_report {
	const char *engine; /* "trace", "lsm", "kprobe" or "all" */
	bool chosen; /* a part of the engine that `auto` means here */
	const char *hook; /* "tp_btf/task_newtask" */
	const char *what; /* "lineage: who was born of whom" */
	bool required;
	int error; /* 0: loads and attaches; else -errno */
	const char *consequence; /* without it */
	const char *remedy; /* "" when there is none */
};

/* The engine that `auto` means here: the best that this kernel can run, as far as can be told
 * without loading it */
enum mf_engine engine_best(void);

/* Probes each hook by loading and attaching it, then detaches. Needs the guard's rights. Returns
 * the number of rows in *ret_rows (static strings; free() the array) or -errno. */
int engine_doctor(struct engine_hook_report **ret_rows);

/* Of the library that is in use, not of the one that it was built with: "v1.1". Static. */
const char *engine_libbpf_version(void);
