/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The static floor of an enforcing session where the engine cannot refuse everything: the server's
 * process denies itself, before its exec and for all its descendants, what no state of its policy
 * allows. By Landlock changes of files, and reaching out to processes that are not its own; by seccomp
 * the ways out. It is no more than a floor: what some state allows it leaves to the engine.
 */

#include "policy/floor.h"

/*
 * To be called by the process itself. *ret_held: MF_FLOOR_*, what is denied from now on: less where the
 * kernel has less. -errno: it could not be put on; nobody must go on then.
 */
int floor_put_on(const struct policy_floor *floor, uint32_t *ret_held);

/* floor_files.c: the part of Landlock. `admin`: with CAP_SYS_ADMIN; else no_new_privs is set. */
int floor_files(const struct policy_floor *floor, uint32_t *held);
#define FLOOR_LANDLOCK_FILES 3 /* truncation, and moving between directories */
#define FLOOR_LANDLOCK_SCOPES 6 /* signals, abstract sockets */
/* The version of Landlock's interface; 0: the kernel has none. */
int floor_landlock_version(void);
