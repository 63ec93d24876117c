/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The recorder's surroundings, played by a test: a ring laid out like a BPF ring buffer in a memory
 * file, the counters array, the guard's end of the socket, a log directory.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../record/story.h"
#include "record/reader.h"
#include "recorder/recorder.h"

#define FAKE_RING_BYTES 65536

struct fake_guard {
	char path[64]; /* of the log directory */
	int dir_fd;
	int guard; /* our end */
	int query; /* the port's path is below `path` */
	unsigned long *consumer, *producer;
	uint8_t *data;
	struct mf_session_counters *counters;
	struct recorder_options options; /* the recorder's ends */
	pid_t pid; /* of a recorder in a process of its own */
};

void fake_guard_make(struct fake_guard *guard);
void fake_guard_free(struct fake_guard *guard);

/* Starts recorder_main() in a child, with all of its sandbox. */
void fake_guard_start(struct fake_guard *guard);
/* Tells it to quit (or kills the guard's end first) and waits; returns its status. */
int fake_guard_stop(struct fake_guard *guard, bool by_dying);

/* Introduces a session; returns the relay's end of its journal. */
int fake_guard_session(struct fake_guard *guard, uint64_t id, uint32_t user);
/* One that an earlier recorder had. */
int fake_guard_resume(struct fake_guard *guard, uint64_t id);
void fake_guard_gone(struct fake_guard *guard, uint64_t id, bool relay_died);
/* Waits for a barrier question and answers it. */
void fake_guard_barrier(struct fake_guard *guard);
struct mf_stats fake_guard_stats(struct fake_guard *guard);

/* Puts one record into the ring. `submitted` false: it stays reserved. */
void fake_guard_event(struct fake_guard *guard, const struct story_event *event, bool submitted);
void fake_guard_submit(struct fake_guard *guard); /* what was reserved */

void fake_guard_journal(int journal, const struct story_packet *packet);

/* Each test with a fake guard of its own, in *state, and a recorder in a child. */
int fake_guard_begin(void **state);
int fake_guard_end(void **state);

/* Waits until an entry of the type, holding `text`, is in the log; its JSON, to be freed. */
char *fake_guard_entry(struct fake_guard *guard, enum log_type type, const char *text);
/* The session's server exits, and nothing is left of it. */
void fake_guard_finish(struct fake_guard *guard, int journal);
/* Asks the recorder's port; 0 or -errno. */
int fake_guard_ask(struct fake_guard *guard, uint32_t flags, struct log_source **ret_source);
