/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * How a session ends. Four things can end first; the table in ending.c says what each starts, and
 * docs/lifecycle.md says the same to people.
 *
 *	the client is done	its stdin is at its end, or nobody reads its stdout any more
 *	the server's stdout	is passed on as end of file, and nothing else happens
 *	the root process	its exit decides, whatever its descendants still hold open
 *	a signal		to mcpfloor that asks it to end
 *
 * And where a policy is enforced: the guard's death, for then nothing is refused any more.
 */

#include <stdbool.h>
#include <stdint.h>

enum ending_phase {
	ENDING_RUNNING = 0,
	ENDING_ASKED, /* the server's stdin is closed */
	ENDING_TERMED, /* SIGTERM, or the signal that we got, went to the root process */
	ENDING_KILLED, /* SIGKILL went to everything in the session */
	ENDING_PHASES,
};

enum ending_event {
	ENDING_CLIENT_DONE = 0,
	ENDING_SIGNAL, /* SIGTERM, SIGINT or SIGQUIT came, and was passed on */
	ENDING_DEADLINE,
	ENDING_GUARD_GONE, /* which was to refuse what the policy denies */
	ENDING_EVENTS,
};

enum ending_action {
	ENDING_NOTHING = 0,
	ENDING_CLOSE_STDIN, /* as soon as what was received is written */
	ENDING_TERM_ROOT,
	ENDING_KILL_SESSION,
};

struct ending {
	enum ending_phase phase;
	uint64_t grace_ns;
	uint64_t deadline_ns; /* UINT64_MAX: none */
};

/* While `held`, a client that is done does not make the server's time run; it has its whole grace
 * when that is over. */
void ending_hold(struct ending *ending, bool held, uint64_t now_ns);
enum ending_action ending_step(struct ending *ending, enum ending_event event, uint64_t now_ns);
