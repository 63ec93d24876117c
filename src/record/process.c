/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/process.h"

#include <stdlib.h>
#include <string.h>

#include "abi/page.h"

static void image_unref(struct image *image)
{
	if (image && !--image->refs)
		free(image);
}

static void process_free(struct process *process)
{
	image_unref(process->image);
	history_birth_drop(process->birth);
	free(process);
}

void process_table_init(struct process_table *table, uint64_t seed)
{
	*table = (struct process_table){ .seed = seed };
}

void process_table_free(struct process_table *table)
{
	for (size_t i = 0; i < table->capacity; i++)
		if (table->slots[i])
			process_free(table->slots[i]);
	free(table->slots);
	*table = (struct process_table){ 0 };
}

static size_t home(const struct process_table *table, uint64_t start_ns, uint32_t pid)
{
	uint64_t key[2] = { start_ns, pid };

	return hash_bytes(key, sizeof(key), table->seed) & (table->capacity - 1);
}

static size_t slot_of(const struct process_table *table, uint64_t start_ns, uint32_t pid)
{
	size_t at = home(table, start_ns, pid);

	while (table->slots[at] &&
	       (table->slots[at]->start_ns != start_ns || table->slots[at]->pid != pid))
		at = (at + 1) & (table->capacity - 1);
	return at;
}

struct process *process_find(const struct process_table *table, uint64_t start_ns, uint32_t pid)
{
	return table->capacity ? table->slots[slot_of(table, start_ns, pid)] : NULL;
}

static int resize(struct process_table *table, size_t capacity)
{
	struct process_table grown = *table;

	grown.slots = calloc(capacity, sizeof(*grown.slots));
	if (!grown.slots)
		return -1;
	grown.capacity = capacity;
	for (size_t i = 0; i < table->capacity; i++) {
		struct process *process = table->slots[i];

		if (process)
			grown.slots[slot_of(&grown, process->start_ns, process->pid)] = process;
	}
	free(table->slots);
	*table = grown;
	return 0;
}

/* Removal from open addressing: what stood behind moves up, so that no search ends too early. */
static void remove_slot(struct process_table *table, size_t at)
{
	size_t mask = table->capacity - 1;
	size_t next = at;

	for (;;) {
		size_t want;

		next = (next + 1) & mask;
		if (!table->slots[next])
			break;
		want = home(table, table->slots[next]->start_ns, table->slots[next]->pid);
		if (((next - want) & mask) < ((next - at) & mask))
			continue;
		table->slots[at] = table->slots[next];
		at = next;
	}
	table->slots[at] = NULL;
	table->count--;
	if (table->capacity > 1024 && table->count < table->capacity / 8)
		(void)resize(table, table->capacity / 4); /* a larger table is no fault */
}

static void forget_if_over(struct process_table *table, struct process *process)
{
	if (process->alive || process->refs)
		return;
	remove_slot(table, slot_of(table, process->start_ns, process->pid));
	process_free(process);
}

struct process *process_learn(struct process_table *table, struct history *history,
			      uint64_t start_ns, uint32_t pid, uint64_t birth_stamp)
{
	struct process *process = process_find(table, start_ns, pid);

	if (process)
		return process;
	if (table->count == PROCESSES_MAX ||
	    (table->count * 2 >= table->capacity &&
	     resize(table, table->capacity ? table->capacity * 2 : 16) < 0))
		goto refused;
	process = calloc(1, sizeof(*process));
	if (!process)
		goto refused;
	process->start_ns = start_ns;
	process->pid = pid;
	process->alive = true;
	process->birth_stamp = birth_stamp;
	process->inside = MF_STAMP_COUNT(birth_stamp) > 0;
	if (process->inside)
		process->birth = history_birth(history, birth_stamp);
	table->slots[slot_of(table, start_ns, pid)] = process;
	table->count++;
	return process;
refused:
	table->refused++;
	return NULL;
}

struct process *process_meet(struct process_table *table, struct history *history,
			     const struct mf_event *head, bool after)
{
	struct process *process = process_find(table, head->start_ns, head->pid);

	if (!process) {
		process = process_learn(table, history, head->start_ns, head->pid, head->birth);
		if (process)
			process->alive = !after;
	} else if (!after && !process->exited) {
		process->alive = true;
	}
	if (process)
		process->refs++;
	return process;
}

static void set_elsewhere(struct process_table *table, struct process *process, bool elsewhere)
{
	if (process->elsewhere == elsewhere)
		return;
	process->elsewhere = elsewhere;
	table->elsewhere += elsewhere ? 1 : -1;
}

static void learn_fork(struct process_table *table, struct history *history,
		       const struct event_view *event, const struct process *parent)
{
	const struct mf_ev_fork *fork = event->body;
	struct process *child = process_learn(table, history, fork->child_start_ns, fork->child_pid,
					      fork->child_birth);

	if (!child || child == parent)
		return;
	child->ppid = event->head->pid;
	child->parent_start_ns = event->head->start_ns;
	if (parent && parent->elsewhere)
		set_elsewhere(table, child, true);
	if (parent && parent->image && !child->image) {
		child->image = parent->image;
		child->image->refs++;
	}
}

static void learn_exec(const struct event_view *event, struct process *process)
{
	const struct mf_ev_exec *exec = event->body;
	size_t size = event->text_size[0] + event->text_size[1];
	struct image *image = malloc(sizeof(*image) + size);

	image_unref(process->image);
	process->image = image;
	if (exec->ppid)
		process->ppid = exec->ppid;
	if (!image)
		return;
	image->refs = 1;
	image->exe_size = (uint32_t)event->text_size[0];
	image->argv_size = (uint32_t)event->text_size[1];
	image->argv_total = exec->argv_total;
	image->path_flags = exec->path_flags;
	memcpy(image->text, event->text[0], size);
}

void process_event(struct process_table *table, struct history *history,
		   const struct event_view *event, struct process *process)
{
	const struct mf_ev_exit *gone = event->body;

	switch (event->head->kind) {
	case MF_EV_FORK:
		learn_fork(table, history, event, process);
		break;
	case MF_EV_EXEC:
		if (process)
			learn_exec(event, process);
		break;
	case MF_EV_MOUNT_GAP:
		if (process)
			set_elsewhere(table, process, true);
		break;
	case MF_EV_EXIT:
		if (!process)
			break;
		process->alive = false;
		process->exited = true;
		process->exit_code = gone->code;
		set_elsewhere(table, process, false);
		break;
	default:
		break;
	}
}

void process_unref(struct process_table *table, struct process *process)
{
	process->refs--;
	forget_if_over(table, process);
}

size_t process_live_count(const struct process_table *table)
{
	size_t count = 0;

	for (size_t i = 0; i < table->capacity; i++)
		count += table->slots[i] && table->slots[i]->alive;
	return count;
}
