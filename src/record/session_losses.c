/* SPDX-License-Identifier: BSD-2-Clause */
/* What of a session was lost: the counters that the BPF programs share with us. */
#include <string.h>

#include "base/losses.h"
#include "record/session.h"

/* The slot keeps a dead session's counters until it is given to another: then what was seen last
 * stands. */
void session_lost_so_far(const struct session *session, uint64_t ret_lost[MF_LOSS_MAX])
{
	uint64_t seen[MF_LOSS_MAX];
	uint64_t owner;

	memmove(ret_lost, session->lost_calm, sizeof(seen));
	if (!session->mapped)
		return;
	for (size_t i = 0; i < MF_LOSS_MAX; i++)
		seen[i] = __atomic_load_n(&session->mapped->lost[i], __ATOMIC_ACQUIRE);
	owner = __atomic_load_n(&session->mapped->session, __ATOMIC_ACQUIRE);
	if (owner == session->info.session)
		memcpy(ret_lost, seen, sizeof(seen));
}

bool session_losing(const struct session *session, uint64_t ret_lost[MF_LOSS_MAX])
{
	session_lost_so_far(session, ret_lost);
	return memcmp(ret_lost, session->lost_calm, sizeof(session->lost_calm)) != 0;
}

void session_settle(struct session *session, const uint64_t lost[MF_LOSS_MAX])
{
	memcpy(session->lost_calm, lost, sizeof(session->lost_calm));
}

uint64_t session_lost(const struct session *session, const uint64_t *before,
		      uint64_t ret_lost[MF_LOSS_MAX])
{
	uint64_t sum = 0;

	session_lost_so_far(session, ret_lost);
	for (size_t i = 0; i < MF_LOSS_MAX; i++) {
		ret_lost[i] = ret_lost[i] > before[i] ? ret_lost[i] - before[i] : 0;
		sum += loss_is_loss((unsigned)i) ? ret_lost[i] : 0;
	}
	return sum;
}
