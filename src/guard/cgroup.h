/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A session's cgroup: mcpfloor-<session, 16 hex digits>, a child of the cgroup in which the server
 * was started, so that every limit set there still holds. cgroup v2 only, wherever it is mounted.
 *
 * All of it is a help, none of it a condition: without a cgroup the session runs, and is killed by
 * lineage (the task tags).
 *
 * The directory carries the xattr trusted.mcpfloor, struct cgroup_owner: who made it and for which
 * relay. sweep.c tells by it what dead guards left.
 */

#include <stdint.h>
#include <sys/types.h>

#define CGROUP_PREFIX "mcpfloor-"
#define CGROUP_XATTR "trusted.mcpfloor"

struct cgroup {
	int parent_fd;
	int fd;
	int events_fd; /* cgroup.events: EPOLLPRI when `populated` changes */
	char name[32];
};

#define CGROUP_NONE ((struct cgroup){ .parent_fd = -1, .fd = -1, .events_fd = -1 })

struct cgroup_owner {
	uint32_t version; /* MF_ABI_VERSION */
	uint32_t guard_pid; /* both in the pid namespace pid_ns */
	uint32_t relay_pid; /* 0: not known */
	uint32_t pad;
	uint64_t pid_ns; /* inode */
	uint64_t guard_start; /* clock ticks since boot */
	uint64_t relay_start;
};

/* A directory of the cgroup2 file system for the cgroup that `proc` is in. fd or -errno. */
int cgroup_of(pid_t proc);
/* Makes it below `parent_fd`, which it takes over on success. */
int cgroup_create(int parent_fd, uint64_t session, const struct cgroup_owner *owner,
		  struct cgroup *ret_cgroup);
int cgroup_enter(const struct cgroup *cgroup, pid_t pid);
int cgroup_leave(const struct cgroup *cgroup, pid_t pid); /* back to the parent */
/* Kills what is in it and below: cgroup.kill, or task by task where that file is missing. */
int cgroup_kill(int cgroup_fd);
/* <0, 0: nothing alive in it or below, 1 */
int cgroup_populated(int cgroup_fd);
/* Reads cgroup.events through its watched descriptor, so that it is quiet again. As above. */
int cgroup_events_read(int events_fd);
/* Calls `each` with the pids in it (not below); 0 is a process outside the guard's namespace. */
int cgroup_pids(int cgroup_fd, void (*each)(pid_t pid, void *data), void *data);
/* Removes it and the cgroups that the session made below. -EBUSY: something is alive. */
int cgroup_remove_at(int parent_fd, const char *name);
void cgroup_close(struct cgroup *cgroup);

/*
 * Calls `each` for every mounted cgroup2 tree until it returns something but 0; returns that.
 * `root` is the path that the mount shows of the hierarchy ("/" nearly always).
 */
int cgroup_mounts(int (*each)(int mount_fd, const char *root, void *data), void *data);
