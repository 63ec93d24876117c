/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What only the programs and the engine share: questions that the engine asks by running a
 * `syscall` program, and what the task iterator writes. Not an ABI: both sides are one build.
 */

#include "abi/event.h"

/* one for each session, one for the next, one that is on its way out */
#define MF_PAGES_MAX (MF_SESSIONS_MAX + 2)

/* mf_tag.flags */
#define MF_TAGF_EXIT_SAID (1U << 0) /* of the group leader's tag */
#define MF_TAGF_GAP_SAID (1U << 1) /* this task's other mount namespace */
#define MF_TAGF_POLICY (1U << 2) /* of a session with a policy: without it, nothing may be done */

/* what a thread has begun and done with files; addresses, compared, never followed but by safe reads */
struct mf_act {
	/* between the two hooks of a change */
	__u64 mnt, mnt2;
	__u64 dentry, dentry2;
	__u64 made; /* that it is created was told */
	__u64 times; /* of which times are about to be set, by `mnt` */
	__u64 cut; /* an open that truncates it was told at cut_stamp */
	__u64 cut_stamp;
	/* the last two files that it opened: a program and its interpreter, a library */
	__u64 ino[2];
	__u64 stamp[2];
	__u32 dev[2];
	__u32 next;
	__u32 pad;
};

/* what is kept with each task of a session */
struct mf_task {
	struct mf_tag tag;
	struct mf_act act;
};

/* who did something: what an event says about its process */
struct mf_who {
	struct mf_tag tag;
	__u64 start_ns; /* of the group leader */
	__u64 exit_ns; /* CLOCK_MONOTONIC; 0: alive */
	__u64 earlier_ns; /* when another process died that had the tid before; 0: none known */
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 flags; /* MF_EVF_* */
	char comm[MF_COMM_LEN];
};

/* who asked for a socket's connection, and for whom it was last told that it is used */
struct mf_link {
	__u64 session;
	__u64 opened_ns; /* opener_pid 0: nobody was seen to */
	__u64 opened_stamp;
	__u64 opener_birth;
	__u64 opener_start_ns;
	__u32 opener_pid;
	__u32 told; /* 1: told_stamp and told_birth are valid */
	__u64 told_stamp;
	__u64 told_birth;
	__u64 own; /* the session's own connects made it what it is, even where it is not known which */
};

/* file_question: an open that waits for its answer */
struct mf_question {
	__u32 tid; /* in the engine's pid namespace */
	__s32 fd; /* of the engine: the object that is being opened */
	__u32 exec; /* 1: it is being opened in order to be executed */
	__s32 error; /* out: 0, or -errno: there may be a task, but no event was made */
	__u64 session; /* out: 0 when the task is of no session */
	__u32 refused; /* out: 1: the policy does not let it */
	__u32 pad;
};

/* What an access is, to the decision. */
enum deciding_kind {
	DECIDE_PATH = 1,
	DECIDE_ADDRESS = 2,
	DECIDE_ABSTRACT = 3,
	DECIDE_ESCAPE = 4,
	DECIDE_NO_OBJECT = 5, /* it has no name that a line could be about */
};

/* decision_ask: an access that nobody does */
struct mf_ask {
	struct mf_tag tag; /* whose it would be */
	__u32 kind; /* enum deciding_kind */
	__u32 verbs; /* 1 << enum mf_pol_verb */
	__u32 whole; /* 1: a path that is moved, linked, exchanged or replaced */
	__u32 escape; /* enum mf_pol_escape */
	__u32 family; /* 4 or 6 */
	__u32 port;
	__u64 addr[2]; /* network order */
	__u32 pid; /* of who would ask; 0: not known */
	__u32 pad;
	__u32 rounds; /* how many times it is decided, to tell the time that takes; at most 1 << 23 */
	__u32 name_size; /* of a path, or an abstract name */
	struct mf_decision out;
	char name[MF_PATH_MAX]; /* its last bytes */
};

/* change_who: which processes of a session can have had this tid since `since_ns` */
struct mf_change_question {
	__u32 tid;
	__u32 fits; /* out: MF_FITS_* */
	__u64 since_ns;
	struct mf_who live; /* out */
	struct mf_who gone; /* out */
};

enum {
	MF_FITS_LIVE = 1 << 0, /* it is alive, and of a session */
	MF_FITS_GONE = 1 << 1, /* another one of a session had it, and died since */
	MF_FITS_NONE = 1 << 2, /* it is nobody's now, and no dead task of a session had it */
	MF_FITS_EARLIER = 1 << 3, /* with GONE: and one more before, of which nothing is known */
};

/* event_pass: an event that the engine made, to the ring */
struct mf_pass {
	__u32 slot;
	__s32 error; /* out */
	__u64 session;
	__u32 size; /* of the event that follows */
	__u32 pad;
};

#define MF_PASS_MAX (sizeof(struct mf_event) + sizeof(struct mf_ev_change) + 2 * MF_PATH_MAX)

/* one per live process, by the iterator */
struct mf_live {
	__u32 pid; /* in the engine's pid namespace */
	__u32 pad;
	__u64 birth;
	char comm[MF_COMM_LEN];
};
