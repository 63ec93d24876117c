/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The rows of a record: events with their label, equal ones folded into the first with a count.
 * Bounded in rows, bytes and processes, and in the bytes of all open records of a session, each of
 * which may hold every event; beyond a bound events are only counted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/event.h"
#include "record/label.h"
#include "record/process.h"
#include "record/verdict.h"

#define ROWS_MAX 10000
#define ROWS_BYTES_MAX (16U << 20) /* bodies and strings of one record */
#define ROWS_SHARED_MAX (64U << 20) /* of all open records of a session */
#define ROWS_PROCESSES_MAX 10000

struct row_label {
	struct label label;
	uint64_t hash;
};

struct row {
	uint64_t t_ns, last_ns;
	uint64_t hash;
	uint64_t start_ns;
	struct process *process; /* NULL: not known, or not among the processes kept */
	const struct row_label *label;
	const void *body; /* struct of the kind, then the strings */
	uint32_t count;
	uint32_t pid, tid;
	uint32_t flags; /* MF_EVF_* */
	uint16_t kind; /* enum mf_kind */
	bool late;
	uint8_t risk; /* enum risk, 0: not looked at yet */
	struct mf_decision decision; /* as the event has it */
	struct verdict verdict; /* by rows_judged() */
	char comm[MF_COMM_LEN];
};

struct rows {
	struct row *row;
	uint32_t count, capacity;
	uint32_t *fold; /* hash table of row index + 1 */
	uint32_t fold_capacity;
	uint32_t sealed; /* rows that are equal to nothing that comes */
	struct row_label **labels;
	uint32_t labels_count, labels_capacity;
	struct process **processes; /* in the order of their first row */
	uint32_t processes_count, processes_capacity;
	uint32_t *process_index; /* hash table of processes[] index + 1 */
	uint32_t process_index_capacity;
	struct rows_chunk *chunks;
	size_t bytes;
	size_t *shared; /* what all that share a bound hold together; NULL: none is shared */
	size_t share; /* of it */
	uint64_t events; /* everything added */
	uint64_t folded; /* of them, counted into an equal row */
	uint64_t capped; /* of them, only counted */
	uint64_t processes_capped;
	uint64_t last_ns;
};

enum rows_result { ROWS_NEW = 0, ROWS_FOLDED = 1, ROWS_CAPPED = 2 };

/* `late`: the event came after the end of the request whose record these rows are. */
enum rows_result rows_add(struct rows *rows, const struct event_view *event, uint64_t event_hash,
			  struct process *process, const struct row_label *label, bool late);
/* The verdict of the row that was added last. */
void rows_judged(struct rows *rows, const struct verdict *verdict);
/* From now on the same has another verdict: what comes is counted into no row that is there. */
void rows_seal(struct rows *rows);
/* A process that belongs into the record though no row is its own (a forked child). */
void rows_add_process(struct rows *rows, struct process *process);
void rows_free(struct rows *rows, struct process_table *table);

const char *row_text(const struct row *row, size_t *ret_first, size_t *ret_second);
