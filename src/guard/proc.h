/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What /proc says about a process. Two numbers name one: `proc` is its directory in this mount of
 * /proc, `pid` its number in the guard's pid namespace. They differ where /proc belongs to another
 * pid namespace (`unshare -pf` without --mount-proc). Only a pidfd is an identity: whoever acts on
 * a number checks that its pidfd is alive afterwards.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/recorder.h"

#define PROC_GROUPS_MAX 340 /* lines that a gid_map takes (kernel/user_namespace.c) */
#define PROC_LEVELS_MAX 33 /* pid namespaces nest 32 deep */

struct proc_numbers {
	pid_t proc;
	pid_t pid;
	pid_t levels[PROC_LEVELS_MAX]; /* from /proc's namespace to the innermost */
	size_t level_count;
};

struct proc_status {
	pid_t tgid;
	pid_t ppid; /* as `proc` numbers are */
	uid_t uid[4]; /* real, effective, saved, file system */
	gid_t gid[4];
	gid_t groups[PROC_GROUPS_MAX];
	size_t group_count;
};

/* -EBADF: not a pidfd; -ESRCH: dead, or not in sight of this /proc or pid namespace. */
int proc_numbers(int pidfd, struct proc_numbers *ret_numbers);
int proc_status(pid_t proc, struct proc_status *ret_status);
/* Start time in clock ticks since boot (field 22 of stat). */
int proc_start_ticks(pid_t proc, uint64_t *ret_ticks);
int proc_self_start(uint64_t *ret_ticks);
/* Inode of a namespace link such as "ns/pid". `proc` 0: the caller's own. */
int proc_namespace(pid_t proc, const char *link, uint64_t *ret_inode);
bool pidfd_alive(int pidfd);
int pidfd_of(pid_t pid); /* pidfd or -errno */
int pidfd_signal(int pidfd, int signo);

/* Where it works: what it writes elsewhere is an alert. Empty when it cannot be told. */
void proc_cwd(pid_t pid, char cwd[MF_CWD_LEN]);
