/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* One `mcpfloor run` from the server's exec to its exit. */

#include "relay/ending.h"
#include "relay/guard_link.h"
#include "relay/launch.h"
#include "relay/reload.h"
#include "relay/say.h"
#include "relay/stray.h"
#include "relay/stream.h"
#include "relay/traffic.h"

struct session {
	const struct relay_options *options;
	struct guard_link guard;
	struct launch launch;
	struct stray stray;
	struct traffic traffic;
	struct reload reload;
	struct stream up, down; /* client to server, server to client */
	struct ending ending;
	struct say say;
	int signal_fd;
	sigset_t ignored; /* signals that were ignored when we were started */
	bool last_input; /* what the client sent is read up to what is there now */
	bool client_done; /* told to `ending` */
	bool signalled; /* we were asked to end */
	bool root_gone;
	int root_status; /* as in wait(2), once it is gone */
	uint32_t exit_flags; /* MF_EXIT_* */
	int log_error; /* as was said */
	uint64_t counters_ns; /* when the counters were told last */
	uint64_t counters_sum; /* and a sum over them, to see a change */
};

/* Runs until the root process is gone and what it said is read. */
int session_loop(struct session *session);
/* Kills leftovers, ends what is in flight, hands the rest to the client. */
void session_conclude(struct session *session);

/* loop.c and finish.c: one step of a direction. */
void session_read_server(struct session *session);
void session_write_client(struct session *session);
void session_log_news(struct session *session);
void session_recorder_gone(struct session *session);
void session_send(struct session *session);
