/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Starting the server so that it finds everything as without mcpfloor. docs/lifecycle.md has the
 * list; here is what must be done for it:
 *  - stdin and stdout are the same kind of file as the client gave: a pipe for a pipe (of the same
 *    size), a socket for a socket, and a pipe for everything else (a terminal or a regular file
 *    cannot be relayed as such);
 *  - stderr is the client's own, as are all descriptors from 3 on;
 *  - signal mask and dispositions are those that mcpfloor was started with;
 *  - environment, argv, working directory, umask, limits, process group and session are not touched;
 *  - the mount namespace is the client's, but where the engine watches mounts: there it is a private
 *    one (for a user: inside a user namespace with identity maps) with the same mounts and the same
 *    propagation;
 *  - it can do everything that it could, but for a floor (relay/floor.h) that a policy asks for.
 */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct policy_floor;

struct launch {
	pid_t pid;
	int pidfd;
	int to_server; /* non-blocking: these descriptions are ours alone */
	int from_server;
	uint32_t open_flags; /* MF_OPEN_* */
	uint32_t floor; /* MF_FLOOR_*: what the child has denied itself */

	sigset_t mask; /* as we got it */
	struct sigaction child_action; /* SIGCHLD's, as we got it */
	int status_fd, go_fd; /* how the waiting child is talked to */
	int inherited[256]; /* descriptors from 3 on that we got and only pass on */
	int inherited_count;
};

/* First of all: notes what was inherited, makes 0, 1 and 2 exist. */
int launch_prepare(struct launch *launch);
/* Forks; the child waits before its exec. `mask`, `child_action` and `inherited` are set.
 * `own_mounts`: in a mount namespace of its own, where that can be had. `floor`, where not NULL: the
 * child puts it on; -EPERM when it cannot. */
int launch_fork(struct launch *launch, char **argv, bool own_mounts,
		const struct policy_floor *floor);
/* Lets it exec. *ret_errno: why it could not, 0 when it did. */
int launch_go(struct launch *launch, int *ret_errno);
/* Ends a child that is still waiting. */
void launch_abort(struct launch *launch);
void launch_close(struct launch *launch);
