/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define CHUNK_BYTES 16384
#define LABELS_SEARCHED 16

struct rows_chunk {
	struct rows_chunk *next;
	size_t used, size;
	_Alignas(8) char bytes[];
};

static void *keep(struct rows *rows, size_t size)
{
	struct rows_chunk *chunk = rows->chunks;
	void *room;

	size = (size + 7) & ~(size_t)7;
	if (rows->bytes + size > ROWS_BYTES_MAX ||
	    (rows->shared && *rows->shared + size + sizeof(struct row) > ROWS_SHARED_MAX))
		return NULL;
	if (!chunk || chunk->size - chunk->used < size) {
		/* the first chunk is small: most records are */
		size_t bytes = rows->chunks ? CHUNK_BYTES : 1024;

		if (bytes < size)
			bytes = size;
		chunk = malloc(sizeof(*chunk) + bytes);
		if (!chunk)
			return NULL;
		*chunk = (struct rows_chunk){ .next = rows->chunks, .size = bytes };
		rows->chunks = chunk;
	}
	room = chunk->bytes + chunk->used;
	chunk->used += size;
	rows->bytes += size;
	if (rows->shared) {
		*rows->shared += size + sizeof(struct row);
		rows->share += size + sizeof(struct row);
	}
	return room;
}

/* Grows `*array` to hold one more than `count`. */
static int grow(void *array, uint32_t *capacity, uint32_t count, size_t element)
{
	uint32_t larger = *capacity ? *capacity * 2 : 8;
	void *moved;

	if (count < *capacity)
		return 0;
	moved = realloc(*(void **)array, larger * element);
	if (!moved)
		return -1;
	*(void **)array = moved;
	*capacity = larger;
	return 0;
}

static void index_insert(uint32_t *table, uint32_t capacity, uint64_t hash, uint32_t value)
{
	uint32_t at = (uint32_t)hash & (capacity - 1);

	while (table[at])
		at = (at + 1) & (capacity - 1);
	table[at] = value;
}

static uint64_t pointer_hash(const void *pointer)
{
	return ((uint64_t)(uintptr_t)pointer >> 4) * 0x9e3779b97f4a7c15ULL >> 32;
}

static int grow_fold(struct rows *rows)
{
	uint32_t capacity = rows->fold_capacity ? rows->fold_capacity * 2 : 32;
	uint32_t *fold;

	if ((rows->count + 1) * 2 <= rows->fold_capacity)
		return 0;
	fold = calloc(capacity, sizeof(*fold));
	if (!fold)
		return -1;
	for (uint32_t i = 0; i < rows->count; i++)
		index_insert(fold, capacity, rows->row[i].hash, i + 1);
	free(rows->fold);
	rows->fold = fold;
	rows->fold_capacity = capacity;
	return 0;
}

static bool has_process(const struct rows *rows, const struct process *process)
{
	uint32_t mask = rows->process_index_capacity - 1;
	uint32_t at;

	if (!rows->process_index_capacity)
		return false;
	at = (uint32_t)pointer_hash(process) & mask;
	for (; rows->process_index[at]; at = (at + 1) & mask)
		if (rows->processes[rows->process_index[at] - 1] == process)
			return true;
	return false;
}

static int grow_process_index(struct rows *rows)
{
	uint32_t capacity = rows->process_index_capacity ? rows->process_index_capacity * 2 : 16;
	uint32_t *table;

	if ((rows->processes_count + 1) * 2 <= rows->process_index_capacity)
		return 0;
	table = calloc(capacity, sizeof(*table));
	if (!table)
		return -1;
	for (uint32_t i = 0; i < rows->processes_count; i++)
		index_insert(table, capacity, pointer_hash(rows->processes[i]), i + 1);
	free(rows->process_index);
	rows->process_index = table;
	rows->process_index_capacity = capacity;
	return 0;
}

/* Returns the process when it is (now) among the record's, else NULL. */
static struct process *take_process(struct rows *rows, struct process *process)
{
	if (!process || has_process(rows, process))
		return process;
	if (rows->processes_count == ROWS_PROCESSES_MAX || grow_process_index(rows) < 0 ||
	    grow(&rows->processes, &rows->processes_capacity, rows->processes_count,
		 sizeof(struct process *)) < 0) {
		rows->processes_capped++;
		return NULL;
	}
	process->refs++;
	rows->processes[rows->processes_count++] = process;
	index_insert(rows->process_index, rows->process_index_capacity, pointer_hash(process),
		     rows->processes_count);
	return process;
}

void rows_add_process(struct rows *rows, struct process *process)
{
	take_process(rows, process);
}

static const struct row_label *take_label(struct rows *rows, const struct row_label *label)
{
	struct row_label *kept;

	for (uint32_t i = 0; i < rows->labels_count && i < LABELS_SEARCHED; i++)
		if (rows->labels[rows->labels_count - 1 - i]->hash == label->hash)
			return rows->labels[rows->labels_count - 1 - i];
	if (grow(&rows->labels, &rows->labels_capacity, rows->labels_count,
		 sizeof(struct row_label *)) < 0)
		return NULL;
	kept = keep(rows, sizeof(*kept));
	if (!kept)
		return NULL;
	*kept = *label;
	rows->labels[rows->labels_count++] = kept;
	return kept;
}

static bool same_row(const struct row *row, const struct event_view *event, uint64_t hash,
		     const struct row_label *label, bool late)
{
	const struct mf_event *head = event->head;

	return row->hash == hash && row->kind == head->kind && row->pid == head->pid &&
	       !memcmp(&row->decision, &head->decision, sizeof(row->decision)) &&
	       row->start_ns == head->start_ns && row->late == late && row->flags == head->flags &&
	       row->label->hash == label->hash &&
	       event_same(event, row->body, (const char *)row->body + event->body_size);
}

static struct row *find_row(const struct rows *rows, const struct event_view *event, uint64_t hash,
			    const struct row_label *label, bool late)
{
	uint32_t mask = rows->fold_capacity - 1;
	uint32_t at;

	if (!rows->fold_capacity)
		return NULL;
	at = (uint32_t)hash & mask;
	for (; rows->fold[at]; at = (at + 1) & mask) {
		struct row *row = &rows->row[rows->fold[at] - 1];

		if (rows->fold[at] > rows->sealed && same_row(row, event, hash, label, late))
			return row;
	}
	return NULL;
}

static int new_row(struct rows *rows, const struct event_view *event, uint64_t hash,
		   struct process *process, const struct row_label *label, bool late)
{
	const struct mf_event *head = event->head;
	size_t size = event->body_size + event->text_size[0] + event->text_size[1];
	const struct row_label *kept;
	struct row *row;
	void *body;

	if (rows->count == ROWS_MAX || grow_fold(rows) < 0 ||
	    grow(&rows->row, &rows->capacity, rows->count, sizeof(*row)) < 0)
		return -1;
	kept = take_label(rows, label);
	body = kept ? keep(rows, size) : NULL;
	if (!body)
		return -1;
	memcpy(body, event->body, size);
	row = &rows->row[rows->count++];
	*row = (struct row){ .t_ns = head->t_ns,
			     .last_ns = head->t_ns,
			     .hash = hash,
			     .start_ns = head->start_ns,
			     .process = take_process(rows, process),
			     .label = kept,
			     .decision = head->decision,
			     .verdict = VERDICT_NONE,
			     .body = body,
			     .count = 1,
			     .pid = head->pid,
			     .tid = head->tid,
			     .flags = head->flags,
			     .kind = head->kind,
			     .late = late };
	memcpy(row->comm, head->comm, sizeof(row->comm));
	index_insert(rows->fold, rows->fold_capacity, hash, rows->count);
	return 0;
}

enum rows_result rows_add(struct rows *rows, const struct event_view *event, uint64_t event_hash,
			  struct process *process, const struct row_label *label, bool late)
{
	const struct mf_event *head = event->head;
	uint64_t key[4] = { event_hash, label->hash, head->start_ns, head->pid };
	uint64_t hash = hash_bytes(&head->decision, sizeof(head->decision),
				   hash_bytes(key, sizeof(key), late));
	struct row *row = find_row(rows, event, hash, label, late);

	rows->events++;
	if (head->t_ns > rows->last_ns)
		rows->last_ns = head->t_ns;
	if (row) {
		/* notifications may come out of order */
		if (head->t_ns > row->last_ns)
			row->last_ns = head->t_ns;
		if (head->t_ns < row->t_ns)
			row->t_ns = head->t_ns;
		row->count++;
		rows->folded++;
		return ROWS_FOLDED;
	}
	if (new_row(rows, event, hash, process, label, late) < 0) {
		rows->capped++;
		return ROWS_CAPPED;
	}
	return ROWS_NEW;
}

void rows_judged(struct rows *rows, const struct verdict *verdict)
{
	rows->row[rows->count - 1].verdict = *verdict;
	if (verdict->policy)
		verdict->policy->rows++;
}

void rows_seal(struct rows *rows)
{
	rows->sealed = rows->count;
}

void rows_free(struct rows *rows, struct process_table *table)
{
	for (uint32_t i = 0; i < rows->count; i++)
		if (rows->row[i].verdict.policy)
			rows->row[i].verdict.policy->rows--;
	for (uint32_t i = 0; i < rows->processes_count; i++)
		process_unref(table, rows->processes[i]);
	while (rows->chunks) {
		struct rows_chunk *chunk = rows->chunks;

		rows->chunks = chunk->next;
		free(chunk);
	}
	free(rows->row);
	free(rows->fold);
	free(rows->labels);
	free(rows->processes);
	free(rows->process_index);
	if (rows->shared)
		*rows->shared -= rows->share;
	*rows = (struct rows){ .shared = rows->shared };
}

const char *row_text(const struct row *row, size_t *ret_first, size_t *ret_second)
{
	size_t body_size;

	event_texts(row->kind, row->body, &body_size, ret_first, ret_second);
	return (const char *)row->body + body_size;
}
