/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The recorder's query socket: SOCK_STREAM. One struct mf_query in, log frames (src/record/frame.h)
 * out, the same frames as in the log, filtered by SO_PEERCRED: a user gets the entries of sessions
 * with the same uid, root gets all. A LOG_ANSWER_END frame is the last of an answer: a connection
 * that ends without one ended too early. An MF_Q_FOLLOW query stays open and gets new entries as
 * they are written.
 */

#include <linux/types.h>

#include "limits.h"

enum {
	MF_Q_FOLLOW = 1 << 0, /* then stay, and send what is written from now on */
	MF_Q_NO_PAST = 1 << 1, /* with follow: nothing that is there already */
};

struct mf_query {
	__u32 version;
	__u32 flags;
	__u64 session; /* 0: any */
	char name[MF_NAME_LEN]; /* session name, empty: any */
};

#ifndef __bpf__
_Static_assert(sizeof(struct mf_query) == 80, "struct mf_query");
#endif
