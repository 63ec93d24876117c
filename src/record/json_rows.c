/* SPDX-License-Identifier: BSD-2-Clause */
/* The lists of an entry: its processes and its rows, in their order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/json.h"

void json_add_parents(const struct session *session, struct rows *rows)
{
	for (uint32_t i = 0; i < rows->processes_count; i++) {
		const struct process *process = rows->processes[i];
		struct process *parent;

		if (!process->parent_start_ns)
			continue;
		parent = process_find(&session->processes, process->parent_start_ns, process->ppid);
		if (parent)
			rows_add_process(rows, parent);
	}
}

static int by_start(const void *a, const void *b)
{
	const struct process *x = *(struct process *const *)a, *y = *(struct process *const *)b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

void json_processes(struct jsonout *json, const struct session *session, const struct rows *rows)
{
	size_t count = rows->processes_count;
	_cleanup_free_ struct process **sorted = calloc(count + 1, sizeof(*sorted));

	if (!sorted) {
		json->error = -ENOMEM;
		return;
	}
	if (count)
		memcpy(sorted, rows->processes, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_start);
	json_key(json, "pid_lineage");
	json_open(json, '[');
	for (size_t i = 0; i < count; i++)
		json_u64(json, sorted[i]->pid);
	json_close(json, ']');
	json_key(json, "processes");
	json_open(json, '[');
	for (size_t i = 0; i < count; i++)
		json_process(json, session, sorted[i]);
	json_close(json, ']');
	if (rows->processes_capped)
		json_kv_u64(json, "processes_more", rows->processes_capped);
}

static int by_time(const void *a, const void *b)
{
	const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;

	if (x->t_ns != y->t_ns)
		return x->t_ns < y->t_ns ? -1 : 1;
	return x < y ? -1 : x > y;
}

static const struct row **sort_rows(const struct rows *rows)
{
	const struct row **sorted = calloc(rows->count + 1, sizeof(*sorted));
	bool ordered = true;

	if (!sorted)
		return NULL;
	for (uint32_t i = 0; i < rows->count; i++) {
		sorted[i] = &rows->row[i];
		ordered &= !i || sorted[i]->t_ns >= sorted[i - 1]->t_ns;
	}
	if (!ordered)
		qsort(sorted, rows->count, sizeof(*sorted), by_time);
	return sorted;
}

void json_rows(struct jsonout *json, const struct row_place *place, const struct rows *rows)
{
	_cleanup_free_ const struct row **sorted = sort_rows(rows);

	if (!sorted) {
		json->error = -ENOMEM;
		return;
	}
	json_key(json, "events");
	json_open(json, '[');
	for (uint32_t i = 0; i < rows->count; i++)
		json_row(json, place, sorted[i]);
	json_close(json, ']');
	if (rows->capped)
		json_kv_u64(json, "events_more", rows->capped);
}
