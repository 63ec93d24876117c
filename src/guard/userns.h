/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Identity maps for a child that waits in a fresh user namespace of its own.
 *
 * Only what the user is already is mapped: own uid, own gids, own supplementary groups. A map of
 * everything would hand the machine over: the owner of a user namespace has CAP_SETUID in it, so a
 * mapped uid 0 is a setuid(0) away, and that is the real one. For the same reason setgroups(2) is
 * refused inside: dropping a group may open what the group was refused. The price: set-uid
 * programs keep the user's uid inside (the kernel ignores the bit where the owner is not mapped).
 */

#include "guard/child.h"

/*
 * The namespace must be the child's own: not the guard's, its parent the guard's, its owner the
 * peer, no maps written. -EPERM otherwise.
 */
int userns_map_identity(int pidfd, const struct child *child, uid_t owner);
