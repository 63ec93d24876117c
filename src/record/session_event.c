/* SPDX-License-Identifier: BSD-2-Clause */
/* One event: which process did it, which requests it names, and into which records it goes. */
#include <errno.h>
#include <string.h>

#include "abi/page.h"
#include "record/session.h"

/* It was no longer in flight in that epoch, nor in any after it. */
static bool ended_before(const struct request *request, uint64_t epoch)
{
	return request->ended && request->end_epoch <= epoch;
}

/* Whoever was in flight and is not in a list that was cut lacks the event in its record. */
static void charge_unnamed(struct session *session, const struct mf_event *head,
			   const struct label *label)
{
	uint64_t lo = MF_STAMP_EPOCH(head->stamp_lo);
	uint64_t hi = MF_STAMP_EPOCH(head->stamp);

	session->unnamed++;
	for (uint32_t i = 0; i < label->count; i++) {
		struct request *request = session_request(session, label->names[i]);

		if (request)
			request->named = session->unnamed;
	}
	for (struct request *request = session->oldest; request; request = request->newer)
		if (request->named != session->unnamed && request->begin_epoch <= hi &&
		    !ended_before(request, lo))
			request->incomplete |= INC_CANDIDATES;
}

/* The label of an event, from the memo when the last one asked the same. */
static const struct row_label *label_event(struct session *session, const struct event_view *event,
					   const struct process *process)
{
	const struct mf_event *head = event->head;
	struct label_question question = { .lo = MF_STAMP_EPOCH(head->stamp_lo),
					   .hi = MF_STAMP_EPOCH(head->stamp) };
	uint32_t flags = head->flags & MF_EVF_PROC_UNKNOWN;
	struct row_label *label = &session->memo.label;

	/* what the history says of epochs that it knows never changes */
	if (session->memo.valid && session->memo.birth == head->birth &&
	    session->memo.lo == head->stamp_lo && session->memo.hi == head->stamp &&
	    session->memo.flags == flags)
		return label;
	if (flags)
		question.how = BIRTH_ANY;
	else
		question.born = MF_STAMP_EPOCH(head->birth);
	if (!flags && MF_STAMP_COUNT(head->birth)) {
		question.birth = process ? process->birth : NULL;
		question.how = question.birth ? BIRTH_INSIDE : BIRTH_UNKNOWN;
	}
	label_of(&session->history, &question, &label->label);
	label->hash = hash_bytes(
		label->label.names, label->label.count * sizeof(label->label.names[0]),
		label->label.kind | (uint64_t)label->label.late << 8 |
			(uint64_t)label->label.unknown << 9 |
			(uint64_t)label->label.live_more << 10 | (uint64_t)label->label.live << 11 |
			(uint64_t)label->label.more << 24);
	if (label->label.more)
		charge_unnamed(session, head, &label->label);
	session->memo.valid = !label->label.unknown && !flags;
	session->memo.birth = head->birth;
	session->memo.lo = head->stamp_lo;
	session->memo.hi = head->stamp;
	session->memo.flags = flags;
	return label;
}

/* An equal event under the same label has the verdict of the first. */
static void count_result(struct session *session, struct rows *rows, const struct event_view *event,
			 const struct label *label, enum rows_result result)
{
	const struct mf_ev_fork *fork = event->body;

	if (result == ROWS_NEW) {
		struct verdict verdict = session_judge(session, event, label);

		rows_judged(rows, &verdict);
	}

	session->stats->folded += result == ROWS_FOLDED;
	session->stats->capped += result == ROWS_CAPPED;
	if (result == ROWS_NEW && event->head->kind == MF_EV_FORK) {
		struct process *child =
			process_find(&session->processes, fork->child_start_ns, fork->child_pid);

		if (child)
			rows_add_process(rows, child);
	}
}

static uint32_t event_gaps(const struct event_view *event, const struct label *label)
{
	uint32_t incomplete = 0;

	if (label->unknown)
		incomplete |= INC_EPOCH_UNKNOWN;
	if (event->head->flags & MF_EVF_PROC_UNKNOWN)
		incomplete |= INC_PROCESS_UNKNOWN;
	if (event->head->kind == MF_EV_MOUNT_GAP)
		incomplete |= INC_MOUNTS;
	return incomplete;
}

/* Into the record of every request that the label names; what is closed goes to `late`. */
static void deliver(struct session *session, const struct event_view *event,
		    struct process *process, const struct row_label *label)
{
	uint64_t hash = event_hash(event, session->seed);
	uint64_t lo = MF_STAMP_EPOCH(event->head->stamp_lo);
	uint32_t gaps = event_gaps(event, &label->label);
	struct batch *batch = label->label.count ? NULL : &session->background;
	enum rows_result result;

	for (uint32_t i = 0; i < label->label.count; i++) {
		struct request *request = session_request(session, label->label.names[i]);
		bool late;

		if (!request) {
			batch = &session->late;
			continue;
		}
		late = ended_before(request, lo);
		request->incomplete |= gaps;
		result = rows_add(&request->rows, event, hash, process, label, late);
		count_result(session, &request->rows, event, &label->label, result);
	}
	if (!batch)
		return;
	batch->incomplete |= gaps;
	result = rows_add(&batch->rows, event, hash, process, label, label->label.late);
	count_result(session, &batch->rows, event, &label->label, result);
	if (batch->rows.count >= BATCH_ROWS)
		session_flush(session, event->head->t_ns, false);
}

/* The page is read for the event and for a child's birth one after the other. */
static uint64_t latest_epoch(const struct event_view *event)
{
	const struct mf_ev_fork *fork = event->body;
	uint64_t epoch = MF_STAMP_EPOCH(event->head->stamp);

	if (event->head->kind == MF_EV_FORK && MF_STAMP_EPOCH(fork->child_birth) > epoch)
		epoch = MF_STAMP_EPOCH(fork->child_birth);
	return epoch;
}

/* Whatever is in flight may have opened something there; so may what comes, where the gap stays. */
static void take_gap(struct session *session, const struct event_view *event)
{
	const struct mf_ev_change *gap = event->body;

	if (event->head->kind != MF_EV_MOUNT_GAP)
		return;
	session_taint_open(session, INC_MOUNTS);
	if (gap->mask & MF_GAP_STAYS)
		session->incomplete |= INC_MOUNTS;
}

/* A notification is read, and a handshake ends, when its process may be gone. */
static bool comes_after(const struct mf_event *head)
{
	return head->flags & MF_EVF_LATE_SEEN || head->kind == MF_EV_TCP_OPEN ||
	       head->kind == MF_EV_TCP_FAIL;
}

int session_event(struct session *session, const struct event_view *event, bool force)
{
	const struct mf_event *head = event->head;
	struct process *process = NULL;
	const struct row_label *label;

	if (!force &&
	    (latest_epoch(event) > session->history.last || session_awaits_policy(session, head)))
		return -EAGAIN;
	session->events++;
	if (!(head->flags & MF_EVF_PROC_UNKNOWN))
		process = process_meet(&session->processes, &session->history, head,
				       comes_after(head));
	/* it may have been met before the journal told the set that it was born in */
	if (process && process->inside && !process->birth)
		process->birth = history_birth(&session->history, process->birth_stamp);
	label = label_event(session, event, process);
	session->stats->epoch_unknown += label->label.unknown;
	take_gap(session, event);
	/* a child must be known before its parent's row is built; a dead process is forgotten
	 * only after its last row */
	if (head->kind != MF_EV_EXIT)
		process_event(&session->processes, &session->history, event, process);
	deliver(session, event, process, label);
	if (head->kind == MF_EV_EXIT)
		process_event(&session->processes, &session->history, event, process);
	if (process)
		process_unref(&session->processes, process);
	return 0;
}
