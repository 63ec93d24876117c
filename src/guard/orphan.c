/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a session whose guard is dead. Without the engine there are no tags to find processes
 * by: what left the cgroup is not found here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "guard/cgroup.h"
#include "guard/guard.h"
#include "guard/leftovers.h"
#include "guard/proc.h"
#include "guard/session.h"

#define STEP_MS 5

/* The server was started in the relay's cgroup, so the session's is below that one. */
static int find(uint64_t session, int *ret_parent_fd, char *name, size_t size)
{
	_cleanup_fd_ int self = pidfd_of(getpid()), parent = -1;
	struct proc_numbers numbers;
	int err = proc_numbers(self, &numbers), fd;

	if (err)
		return err;
	parent = cgroup_of(numbers.proc);
	if (parent < 0)
		return parent;
	snprintf(name, size, CGROUP_PREFIX "%016llx", (unsigned long long)session);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	*ret_parent_fd = take_fd(&parent);
	return fd;
}

int guard_end_orphan(uint64_t session, struct mf_c_end_reply *ret_reply)
{
	struct mf_c_end_reply reply = { .head = { .version = MF_ABI_VERSION, .kind = MF_C_END } };
	uint64_t until = clock_mono_ns() + SESSION_KILL_NS;
	_cleanup_fd_ int parent = -1, fd = -1;
	struct leftovers left = { 0 };
	char name[32];
	int err;

	fd = find(session, &parent, name, sizeof(name));
	if (fd < 0)
		return fd;
	err = leftovers_signal(NULL, session, fd, 0, &left);
	if (err)
		return err;
	reply.killed = (uint32_t)left.count;
	memcpy(reply.leftovers, left.name, sizeof(reply.leftovers));
	while (cgroup_populated(fd) > 0 && clock_mono_ns() < until) {
		cgroup_kill(fd);
		poll(NULL, 0, STEP_MS);
	}
	if (cgroup_populated(fd) > 0 && !leftovers_signal(NULL, session, fd, 0, &left))
		reply.survived = (uint32_t)left.count;
	cgroup_remove_at(parent, name);
	*ret_reply = reply;
	return 0;
}
