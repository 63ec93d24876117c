/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Nodes that are made: pipes, sockets, and devices, which lead past the paths of what is on them.
 */

#include "say_file.h"

#define S_IFCHR 0020000
#define S_IFBLK 0060000

/* A node by which a device can be reached, whatever else its path is */
static __always_inline bool is_device(unsigned short mode, unsigned int dev)
{
	return (mode & S_IFMT) == S_IFBLK || ((mode & S_IFMT) == S_IFCHR && dev);
}

static __always_inline int say_device(struct vfsmount *mnt, struct dentry *dentry, unsigned int dev)
{
	struct act_place act;

	if (!act_begins(&act))
		return act_unseen(&act);
	act_path_at(&act, mnt, dentry, true);
	act.body->value = dev;
	return act_escape(&act, MF_EV_DEVICE, MF_POL_HANDLES);
}

static __always_inline int act_made_node(struct dentry *dentry, unsigned short mode,
					 unsigned int dev)
{
	struct mf_act *act;
	struct mf_tag *tag;

	if (is_device(mode, dev)) {
		tag = tag_of_current();
		act = tag ? act_of(tag) : NULL;
		if (act && act->dentry == (__u64)dentry &&
		    say_device((void *)act->mnt, dentry, dev))
			return MF_REFUSED;
	}
	return act_done(MF_EV_CREATE, FAN_CREATE, dentry, SELDOM);
}
