/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the recorder is told of the sessions, and the journals between it and their relays.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "abi/recorder.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "guard/control.h"
#include "guard/session.h"
#include "guard/state.h"

#define JOURNAL_BUFFER (4 << 20) /* what a slow recorder may be behind before the relay waits */

int session_journal_pair(int *ret_recorder_end, int *ret_relay_end)
{
	int pair[2], size = JOURNAL_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	if (setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	ipc_refuse_fds(pair[0]);
	*ret_recorder_end = pair[0];
	*ret_relay_end = pair[1];
	return 0;
}

int session_announce(const struct session *session, int journal_fd, bool resumed)
{
	struct mf_r_session said = { .head = { MF_ABI_VERSION, MF_R_SESSION },
				     .session = session->id,
				     .started_ns = session->started_ns,
				     .started_mono_ns = session->started_mono_ns,
				     .root_start_ns = session->engine.root_start_ns,
				     .slot = session->engine.slot,
				     .uid = session->uid,
				     .root_pid = (uint32_t)session->root_pid,
				     .relay_pid = (uint32_t)session->relay_pid,
				     .engine = engine_kind(session->guard->engine),
				     .coverage = session->coverage,
				     .mounts_unmarked = session->engine.mounts_unmarked };
	struct ipc_fds fds = { .fd = { journal_fd, -1, -1, -1 }, .count = 1 };

	said.floor = session->floor;
	if (resumed)
		said.flags |= MF_RS_RESUMED;
	if (session->open_flags & MF_OPEN_DIGEST_ONLY)
		said.flags |= MF_RS_DIGEST_ONLY;
	if (session->policy.fd >= 0) {
		said.flags |= MF_RS_POLICY;
		said.policy_generation = session->policy.generation;
		said.policy_mode = session->policy.mode;
		memcpy(said.policy_name, session->policy.name, sizeof(said.policy_name));
		fds.fd[fds.count++] = session->policy.fd;
	}
	memcpy(said.name, session->name, sizeof(said.name));
	memcpy(said.tenant, session->tenant, sizeof(said.tenant));
	proc_cwd(session->root_pid, said.cwd);
	return recorder_send(session->guard, &said, sizeof(said), &fds);
}

static void say_mode(const struct session *session)
{
	struct mf_c_mode said = { .head = { .version = MF_ABI_VERSION, .kind = MF_C_MODE },
				  .session = session->id,
				  .mode = session->policy.mode };

	/* who does not read it will not end the session with its guard, or needlessly */
	if (session->owner)
		(void)ipc_send(session->owner->source.fd, &said, sizeof(said), NULL);
}

void session_say_policy(const struct session *session, uint32_t change)
{
	struct mf_r_policy said = { .head = { MF_ABI_VERSION, MF_R_POLICY },
				    .session = session->id,
				    .generation = session->policy.generation,
				    .since_ns = clock_mono_ns(),
				    .mode = session->policy.mode,
				    .change = change,
				    .error = session->policy.error,
				    .coverage = session->coverage };
	struct ipc_fds fds = IPC_FDS_NONE;

	if (change == MF_RP_LOADED) {
		fds.fd[0] = session->policy.fd;
		fds.count = 1;
	}
	memcpy(said.name, session->policy.name, sizeof(said.name));
	recorder_send(session->guard, &said, sizeof(said), &fds);
	if (change == MF_RP_MODE)
		say_mode(session);
}

void session_say_gone(const struct session *session)
{
	struct mf_r_gone gone = { .head = { MF_ABI_VERSION, MF_R_GONE },
				  .session = session->id,
				  .relay_died = session->relay_died,
				  .killed = (uint32_t)session->left.count,
				  .survived = (uint32_t)session->survived };

	memcpy(gone.leftovers, session->left.name, sizeof(gone.leftovers));
	recorder_send(session->guard, &gone, sizeof(gone), NULL);
}

void session_say_log(const struct session *session)
{
	struct mf_control head = { .version = MF_ABI_VERSION,
				   .kind = MF_C_STATE,
				   .error = session->guard->recorder.log_error };

	/* for one that does not read it is not worth its session: `ps` tells too */
	if (session->owner)
		(void)ipc_send(session->owner->source.fd, &head, sizeof(head), NULL);
}

static void resume(struct session *session)
{
	struct mf_control head = { .version = MF_ABI_VERSION, .kind = MF_C_JOURNAL };
	_cleanup_fd_ int recorder_end = -1, relay_end = -1;
	struct ipc_fds fds = IPC_FDS_NONE;

	if (session_journal_pair(&recorder_end, &relay_end) ||
	    session_announce(session, recorder_end, true))
		return;
	/* of one that is ending, the journal is at its end at once */
	if (session->phase != SESSION_LIVE || !session->owner)
		return;
	fds.fd[0] = relay_end;
	fds.count = 1;
	control_send(session->owner, &head, sizeof(head), &fds);
}

void session_resume_all(struct guard *guard)
{
	struct session *next;

	for (struct session *session = guard->sessions; session; session = next) {
		next = session->next;
		resume(session);
	}
}
