/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What an open asks of a policy.
 */

#include "decide.h"

#define OPEN_ACCMODE 03
#define OPEN_WRONLY 01
#define OPEN_CREAT 0100
#define OPEN_TRUNC 01000

#define MF_POL_BOTH (MF_POL_BIT(MF_POL_READ) | MF_POL_BIT(MF_POL_WRITE))

/* Flags that nobody can tell may be any. */
static __always_inline __u32 open_verbs(__u32 flags, __u32 how)
{
	__u32 verbs = MF_POL_BIT(MF_POL_WRITE);

	if (!(how & MF_OPEN_FLAGS_KNOWN) || how & MF_OPEN_IOURING)
		return MF_POL_BOTH;
	if ((flags & OPEN_ACCMODE) > OPEN_WRONLY)
		return MF_POL_BOTH;
	if (flags & OPEN_WRONLY)
		return verbs;
	verbs = MF_POL_BIT(MF_POL_READ);
	if (flags & (OPEN_CREAT | OPEN_TRUNC))
		verbs |= MF_POL_BIT(MF_POL_WRITE);
	return verbs;
}

/* Whether it is refused */
static __always_inline bool open_decided(struct deciding *d, struct path_walk *walk,
					 struct mf_tag *tag, struct task_struct *task,
					 const struct mf_ev_file *file, bool exec)
{
	/* pipes, sockets and memory that a process opens again are its own already */
	if (walk->flags & MF_PATH_ANON && !exec) {
		undecided(d);
		return false;
	}
	if (exec)
		access_exec(d, walk);
	else
		access_path(d, walk, open_verbs(file->open_flags, file->how));
	return decided(d, walk, tag, task);
}
