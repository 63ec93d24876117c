/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The recorder process as the guard sees it: its birth, its socket, its death and its successor.
 *
 * It is forked before the engine is loaded, so that neither BPF descriptors nor the loader's memory
 * reach it, and waits for the ring and the counters, which are handed over once the engine is open.
 * A successor is forked from a loaded guard; it closes what is not its own before anything else.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/recorder.h"
#include "base/ipc.h"
#include "guard/loop.h"

struct guard;
struct packet;

#define RECORDER_DEATHS_MAX 5 /* within RECORDER_DEATHS_NS: no successor any more */
#define RECORDER_DEATHS_NS (10ULL * 1000000000ULL)
#define RECORDER_QUEUE_MAX 256 /* packets that wait while its socket is full */
#define RECORDER_QUIT_NS (10ULL * 1000000000ULL)

struct recorder_process {
	pid_t pid; /* 0: none */
	struct source death; /* pidfd */
	struct source link; /* abi/recorder.h */
	bool ready; /* it has the ring and the counters */
	bool given_up;
	bool quitting; /* told to end: its socket's end is no fault */
	int log_error; /* -errno, MF_R_STATE; 0: the log can be written */
	struct packet *queue, **queue_tail;
	size_t queued;
	uint64_t deaths[RECORDER_DEATHS_MAX]; /* when; a ring */
	unsigned death_count;
	struct mf_stats stats; /* its last answer */
};

/* Forks it unless it runs. */
int recorder_start(struct guard *guard);
/* Gives it the ring and the counters of the open engine. */
int recorder_hand_over(struct guard *guard);
/*
 * Sends or queues a packet; `fds` (NULL: none) stay the caller's. -ENOBUFS: the queue is full, the
 * packet is lost and counted. -ENOTCONN: there is no recorder.
 */
int recorder_send(struct guard *guard, const void *packet, size_t size, const struct ipc_fds *fds);
/* Tells it to finish and waits at most RECORDER_QUIT_NS, then kills it. */
void recorder_stop(struct guard *guard);
