/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/ending.h"

struct ending_row {
	enum ending_action action;
	enum ending_phase next;
};

/* An event that a phase does not know changes nothing: staying is { ENDING_NOTHING, same phase }. */
static const struct ending_row table[ENDING_PHASES][ENDING_EVENTS] = {
	[ENDING_RUNNING] = {
		[ENDING_CLIENT_DONE] = { ENDING_CLOSE_STDIN, ENDING_ASKED },
		[ENDING_SIGNAL] = { ENDING_NOTHING, ENDING_TERMED },
		[ENDING_DEADLINE] = { ENDING_NOTHING, ENDING_RUNNING },
		[ENDING_GUARD_GONE] = { ENDING_KILL_SESSION, ENDING_KILLED },
	},
	[ENDING_ASKED] = {
		[ENDING_CLIENT_DONE] = { ENDING_CLOSE_STDIN, ENDING_ASKED },
		[ENDING_SIGNAL] = { ENDING_NOTHING, ENDING_TERMED },
		[ENDING_DEADLINE] = { ENDING_TERM_ROOT, ENDING_TERMED },
		[ENDING_GUARD_GONE] = { ENDING_KILL_SESSION, ENDING_KILLED },
	},
	[ENDING_TERMED] = {
		[ENDING_CLIENT_DONE] = { ENDING_CLOSE_STDIN, ENDING_TERMED },
		[ENDING_SIGNAL] = { ENDING_NOTHING, ENDING_TERMED },
		[ENDING_DEADLINE] = { ENDING_KILL_SESSION, ENDING_KILLED },
		[ENDING_GUARD_GONE] = { ENDING_KILL_SESSION, ENDING_KILLED },
	},
	[ENDING_KILLED] = {
		[ENDING_CLIENT_DONE] = { ENDING_CLOSE_STDIN, ENDING_KILLED },
		[ENDING_SIGNAL] = { ENDING_NOTHING, ENDING_KILLED },
		[ENDING_DEADLINE] = { ENDING_KILL_SESSION, ENDING_KILLED },
		[ENDING_GUARD_GONE] = { ENDING_KILL_SESSION, ENDING_KILLED },
	},
};

enum ending_action ending_step(struct ending *ending, enum ending_event event, uint64_t now_ns)
{
	const struct ending_row *row = &table[ending->phase][event];

	/* each step has its own grace; an event that leads nowhere new does not prolong it */
	if (row->next != ending->phase || event == ENDING_DEADLINE)
		ending->deadline_ns = now_ns + ending->grace_ns;
	ending->phase = row->next;
	return row->action;
}

void ending_hold(struct ending *ending, bool held, uint64_t now_ns)
{
	if (ending->phase != ENDING_ASKED)
		return;
	if (held)
		ending->deadline_ns = UINT64_MAX;
	else if (ending->deadline_ns == UINT64_MAX)
		ending->deadline_ns = now_ns + ending->grace_ns;
}
