/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The control socket (abi/control.h): connections and the request table.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ipc.h"
#include "guard/child.h"
#include "guard/loop.h"
#include "guard/session.h"

struct guard;

#define CONNECTIONS_MAX 1536
#define CONNECTIONS_PER_USER 768 /* root is bound by CONNECTIONS_MAX alone */
#define CONNECTIONS_FOR_ROOT 64 /* of CONNECTIONS_MAX, so that others cannot shut root out */
#define STATS_WAIT_NS (200ULL * 1000000ULL)
#define ACCEPT_PAUSE_NS (20ULL * 1000000ULL)

enum connection_state {
	CONN_FRESH = 1 << 0, /* may open a session */
	CONN_OWNER = 1 << 1, /* has one */
	CONN_ENDING = 1 << 2, /* waits for the end of it */
	CONN_ENDED = 1 << 3,
	CONN_ASKING = 1 << 4, /* on a private guard's second socket: questions only */
};

struct connection {
	struct connection *next;
	struct guard *guard;
	struct source source;
	struct peer peer;
	enum connection_state state;
	struct session *session;
	struct brought_policy policy; /* until the session has it */
	bool in_session; /* the peer is a session's process, or that cannot be told */
	uint64_t stats_until_ns; /* 0: waits for none */
	uint64_t stats_token;
};

/* Takes over `sock` on success. */
int control_adopt(struct guard *guard, int sock, enum connection_state state,
		  struct connection **ret_connection);
/* Closes it; a session that it owns is killed. */
void control_close(struct connection *connection);
/* One packet through the table. <0: refused, and the connection is closed already. */
int control_packet(struct connection *connection, const void *packet, size_t size,
		   struct ipc_fds *fds);
/* A listening control socket is readable. */
void control_accept(struct source *source, uint32_t events);
/* Sends to a client that may not read: whoever is not there to take it is dropped. */
int control_send(struct connection *connection, const void *packet, size_t size,
		 const struct ipc_fds *fds);
/* The session's processes are gone, or the bound is over: the owner's answer. */
void control_ended(struct session *session);
/* NUL terminated within its bounds. */
bool control_name_ok(const char name[MF_NAME_LEN], bool may_be_empty);
/* Whether the client may know of this session. */
bool control_may_see(const struct connection *connection, const struct session *session);
/* MF_C_MODE, MF_C_RELOAD: 0, or <0 when the connection is closed. */
int control_change(struct connection *connection, const struct mf_c_mode *asked);
/* MF_C_STATS. 0, or <0 when the connection is closed. */
int control_stats(struct connection *connection);
uint64_t control_stats_tick(struct guard *guard, uint64_t now_ns);
/* The recorder answered `token`, or will not (0: whoever waits gets what is known). */
void control_stats_ready(struct guard *guard, uint64_t token);
/* Answers whom the recorder kept waiting for too long, takes connections again after a pause; when
 * to come again, 0: nobody waits. */
uint64_t control_tick(struct guard *guard, uint64_t now_ns);
