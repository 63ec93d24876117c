/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The life of a session in the guard: live → killing → (lingering) → gone.
 *
 *	live		the root process runs, its owner is connected
 *	killing		MF_C_END came, or the owner vanished: everything is killed, for at most
 *			SESSION_KILL_NS; then the owner has its answer in any case
 *	lingering	something could not be killed within that time (a process in the kernel's
 *			uninterruptible sleep): still listed as ending, tried again every
 *			SESSION_LINGER_STEP_NS until it is gone
 *
 * Only at the end of it the engine lets go of the session and the recorder is told.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/aside.h"
#include "engine/engine.h"
#include "guard/cgroup.h"
#include "guard/child.h"
#include "guard/leftovers.h"
#include "guard/loop.h"
#include "guard/policy.h"

#define SESSION_KILL_NS (2ULL * 1000000000ULL)
#define SESSION_LINGER_STEP_NS (500ULL * 1000000ULL)
#define SESSIONS_PER_USER 512 /* root is bound by MF_SESSIONS_MAX alone */

struct guard;
struct connection;

enum session_phase {
	SESSION_LIVE,
	SESSION_KILLING,
	SESSION_LINGERING,
};

struct session {
	struct session *next;
	struct guard *guard;
	struct connection *owner; /* NULL: it is gone */
	uint64_t id;
	uint64_t started_ns, started_mono_ns;
	uid_t uid;
	pid_t relay_pid, root_pid;
	uint32_t open_flags; /* MF_OPEN_* */
	uint32_t floor; /* MF_FLOOR_*, as its relay says: it is the policy's owner, too */
	char name[MF_NAME_LEN], tenant[MF_NAME_LEN];
	struct engine_session_result engine; /* page_fd is the relay's, not kept */
	uint32_t coverage;
	struct cgroup cgroup;
	struct aside move; /* of the root process into it */
	struct brought_policy policy;

	enum session_phase phase;
	bool relay_died, answered;
	struct source emptied; /* cgroup.events while it is being killed */
	uint64_t next_ns, until_ns;
	unsigned step;
	size_t survived; /* alive when the owner had its answer */
	struct leftovers left; /* as named when the ending began; count: the most seen */
};

/* What a new session hands to its relay. */
struct session_opened {
	struct session *session;
	int page_fd, journal_fd; /* the caller's */
};

/* Draws the id of the next session, unless it has been drawn: guard->expected_id. */
int session_expect(struct guard *guard);
/* All or nothing. */
int session_open(struct guard *guard, struct connection *owner, const struct peer *peer,
		 const struct mf_c_open *open, int pidfd, struct session_opened *ret_opened,
		 uint32_t *ret_detail);
/* Begins the ending; control_ended() tells the owner when it is done. */
void session_end(struct session *session, bool relay_died);
int session_signal(struct session *session, int signo);
/* What is due; returns when to come again (CLOCK_MONOTONIC), 0: nothing waits. */
uint64_t session_tick(struct guard *guard, uint64_t now_ns);
/* The two ends of a journal; the recorder's goes with the announcement. */
int session_journal_pair(int *ret_recorder_end, int *ret_relay_end);
int session_announce(const struct session *session, int journal_fd, bool resumed);
/* Tells the owner whether the log can be written. */
void session_say_log(const struct session *session);
/* Of its policy: enum mf_r_policy_change. The owner hears of a mode, too. */
void session_say_policy(const struct session *session, uint32_t change);
void session_say_gone(const struct session *session);
/* A new recorder: it hears of every session, the owners get their new journal. */
void session_resume_all(struct guard *guard);
void session_describe(const struct session *session, struct mf_c_list_reply *ret_reply);
/* Forgets all without killing anything: the guard ends, the servers go on unobserved. */
void session_abandon_all(struct guard *guard);
