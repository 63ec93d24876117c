/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The processes of one session, as fork, exec and exit events told them. The key is (start time of
 * the thread group leader, pid). A dead process is forgotten when nothing refers to it any more.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/limits.h"
#include "record/event.h"
#include "record/history.h"

#define PROCESSES_MAX 262144

/* What a process executes; shared with the children that it forks. */
struct image {
	uint32_t refs;
	uint32_t exe_size, argv_size;
	uint32_t argv_total; /* bytes of the whole argv */
	uint16_t path_flags; /* MF_PATH_* of exe */
	char text[]; /* exe, then argv, NUL separated */
};

struct process {
	uint64_t start_ns;
	uint32_t pid;
	uint32_t ppid; /* 0: not known */
	uint64_t parent_start_ns; /* 0: not known */
	uint32_t refs; /* rows that name it */
	bool alive;
	bool inside; /* born inside requests: `birth`, NULL where they cannot be told */
	bool exited;
	bool elsewhere; /* in a mount namespace that nobody watches, as far as is known */
	uint32_t exit_code; /* as in wait(2) */
	uint64_t birth_stamp;
	struct birth *birth;
	struct image *image; /* NULL: not known */
};

struct process_table {
	struct process **slots; /* open addressing */
	size_t capacity, count;
	uint64_t seed;
	uint64_t refused; /* processes that had no room */
	size_t elsewhere; /* live ones whose opens are not seen */
};

void process_table_init(struct process_table *table, uint64_t seed);
void process_table_free(struct process_table *table);

struct process *process_find(const struct process_table *table, uint64_t start_ns, uint32_t pid);
/* Finds or adds it, with its birth; NULL when there is no room. */
struct process *process_learn(struct process_table *table, struct history *history,
			      uint64_t start_ns, uint32_t pid, uint64_t birth_stamp);
/* Who an event is about, with one more reference. `after`: it may be read when its process is gone;
 * a process that is not known is then not taken for one that lives. */
struct process *process_meet(struct process_table *table, struct history *history,
			     const struct mf_event *head, bool after);
/* What fork, exec and exit events say about processes. */
void process_event(struct process_table *table, struct history *history,
		   const struct event_view *event, struct process *process);
void process_unref(struct process_table *table, struct process *process);

size_t process_live_count(const struct process_table *table);
