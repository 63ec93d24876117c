/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A guard in the test's own process, its clients, and the processes that are to be sessions. The
 * test turns the guard's loop while it waits for an answer.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/ipc.h"
#include "fake_engine.h"
#include "guard/control.h"
#include "guard/proc.h"
#include "guard/session.h"
#include "guard/state.h"

struct place {
	char dir[64];
	struct guard guard;
};

struct place *place_make(void);
void place_drop(struct place *place);
int place_remove_dir(const char *dir);

/* A client connected as the test process. Its socket is the caller's. */
int place_client(struct place *place);
/* Turns until a packet comes (its size) or the connection ends (0). Fails after 10 s. */
ssize_t place_answer(struct place *place, int client, void *packet, size_t size,
		     struct ipc_fds *ret_fds);
/* Sends, then as above. */
ssize_t place_ask(struct place *place, int client, const void *packet, size_t size, void *reply,
		  size_t reply_size, struct ipc_fds *ret_fds);
/* Turns until `heard` holds the text, or fails. */
void place_hear(struct place *place, const char *text);
bool place_heard(const struct place *place, const char *text);
/* Turns until no session is left. */
void place_settle(struct place *place);

#define CONTROL(k)                                     \
	{                                              \
		.version = MF_ABI_VERSION, .kind = (k) \
	}

/* A process in a session (setsid) of its own that waits; as `script` says, a shell line, or not. */
struct server {
	pid_t pid;
	int pidfd;
};
struct server server_start(const char *script);
void server_reap(struct server *server);

struct mf_c_open open_request(const struct server *server);
/* Opens a session for it; fails the test when that fails. */
struct mf_c_open_reply place_open(struct place *place, int client, const struct server *server);
struct mf_c_end_reply place_end(struct place *place, int client);

size_t count_fds(void);
bool cgroups_usable(void);
/* Whether a cgroup of this session is there, below the test's own. */
bool cgroup_there(uint64_t session);
