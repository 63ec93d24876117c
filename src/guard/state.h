/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What one guard process holds. Everything runs in one thread on one epoll; nothing in it waits for
 * a peer. What the kernel lets wait is done beside it (base/aside.h).
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/control.h"
#include "engine/engine.h"
#include "guard/guard.h"
#include "guard/loop.h"
#include "guard/spawn.h"

struct connection;
struct session;

#define GUARD_ORPHAN_NS (10ULL * 1000000000ULL) /* a private guard's wait for the unkillable */

struct guard {
	int epoll;
	bool private_guard; /* lives for one connection, `primary` */
	bool stopping;
	int failure; /* -errno: the engine cannot go on, so the guard ends */

	struct engine *engine; /* NULL: not opened yet */
	struct source engine_source;
	unsigned engine_errors; /* in a row */
	uint32_t ring_bytes;
	uint32_t engine_wanted; /* enum mf_engine; 0: the best */
	bool syn_by_kprobe;
	bool policy_brought; /* at least one */

	struct recorder_process recorder;
	int log_fd; /* STATE_DIR/log; negative: why it could not be opened */
	bool log_foreign; /* … it was there, and is somebody else's */
	struct source control_listener;
	int query_fd; /* listening; the recorders accept from it. -1: none */
	struct source query_refusals; /* the same, while there is no recorder */
	int spare_fd; /* given up for a moment to refuse a connection when descriptors run out */

	uint64_t accept_at_ns; /* no connection is taken until then; 0: they are */
	struct connection *connections;
	struct connection *primary;
	size_t connection_count;
	struct session *sessions; /* in the order of their opening */
	struct session **sessions_tail;
	size_t session_count;
	uint64_t expected_id; /* of the next session: its page is being made. 0: none */
	uint64_t sessions_ending;
	uint64_t stats_waiting; /* connections that wait for the recorder's figures */
	uint64_t stats_token; /* of the last question to the recorder */
	uint64_t stats_asked_ns;
	uint64_t sweep_at_ns; /* 0: done */
	unsigned sweeps;

	struct mf_stats stats; /* the guard's own part */
};

/* Sets up everything that needs no kernel feature; *ret is all zero or defined. */
int guard_prepare(struct guard *guard, const struct guard_options *options, bool private_guard);
/* enum mf_c_detail of a log_fd that is none. */
uint32_t guard_log_detail(const struct guard *guard);
/* Opens the engine unless it is open. *ret_detail on failure. */
int guard_open_engine(struct guard *guard, uint32_t *ret_detail);
/* The engine that sessions will have; loads it where that is the only way to be certain, which is
 * with all but trace. */
enum mf_engine guard_settle_engine(struct guard *guard);
/* What is due, then one event, waited for until `until_ns` at the latest (0: no such bound). */
int guard_turn(struct guard *guard, uint64_t until_ns);
/* Takes events until `stopping`, or, privately, until the primary connection and its session are
 * gone. 0, or guard->failure. */
int guard_loop(struct guard *guard);
/* Ends observation: connections, recorder, engine, in this order. Sessions that still live go on
 * unobserved. */
void guard_release(struct guard *guard);
