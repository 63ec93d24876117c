/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What dead guards left: session cgroups, and RUN_DIR/guard-<pid>.sock.
 *
 * A cgroup mcpfloor-* is judged by its xattr trusted.mcpfloor (cgroup.h):
 *	its guard lives				left alone
 *	its guard is dead, its relay lives	left alone: the server goes on, unobserved
 *	both are dead				what is in it is killed, and it is removed
 *	made in another pid namespace, or no xattr (a crash between mkdir and xattr, or no kernel
 *	support)				removed when empty and older than a minute
 */

#include <stdbool.h>

/* Returns how many cgroups were removed, or -errno. *ret_again: something was killed and is not gone
 * yet, so that another sweep is due soon. */
int sweep_cgroups(bool *ret_again);
/* Removes sockets on which nobody listens. Returns how many, or -errno. */
int sweep_sockets(const char *run_dir);
