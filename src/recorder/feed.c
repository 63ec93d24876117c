/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "record/event.h"
#include "recorder/state.h"

#define HELD_NS (200 * NS_PER_MS) /* the relay journals within microseconds, when it runs */
#define RESUME_NS \
	(5 * NS_PER_S) /* after a recorder died, it has to be told that there is a new one */
#define STRANGER_NS (500 * NS_PER_MS)
#define RING_BATCH 8192
#define RING_NS (20 * NS_PER_MS) /* then the sockets get their turn */

void held_free(struct held_queue *queue)
{
	while (queue->first) {
		struct held *held = queue->first;

		queue->first = held->next;
		free(held);
	}
	*queue = (struct held_queue){ 0 };
}

static bool hold(struct held_queue *queue, const void *record, size_t size, uint64_t now_ns)
{
	struct held *held;

	if (queue->bytes + size > HELD_BYTES_MAX)
		return false;
	held = malloc(sizeof(*held) + size);
	if (!held)
		return false;
	held->next = NULL;
	held->since_ns = now_ns;
	held->size = size;
	memcpy(held->record, record, size);
	if (queue->last)
		queue->last->next = held;
	else
		queue->first = held;
	queue->last = held;
	queue->bytes += size;
	return true;
}

static void drop_first(struct held_queue *queue)
{
	struct held *held = queue->first;

	queue->first = held->next;
	if (!queue->first)
		queue->last = NULL;
	queue->bytes -= held->size;
	free(held);
}

/* What a relay says first to a new recorder ends with its counters. */
static uint64_t hold_ns(const struct session *session)
{
	return session->info.flags & MF_RS_RESUMED && !session->counters_known ? RESUME_NS
									       : HELD_NS;
}

void feed_held(struct live *live, bool force)
{
	struct event_view event;

	while (live->held.first) {
		struct held *held = live->held.first;
		bool old = live->recorder->now_ns - held->since_ns >= hold_ns(live->session);
		/* held events were parsed once */
		int err = event_parse(held->record, held->size, &event);

		if (!err && session_event(live->session, &event,
					  force || old || live->journal < 0 ||
						  live->session->journal_broken) == -EAGAIN)
			break;
		drop_first(&live->held);
	}
}

static void feed_session(struct live *live, const struct event_view *event)
{
	const struct mf_event *head = event->head;
	bool force = live->journal < 0 || live->session->journal_broken;

	if (!live->held.first) {
		if (!session_event(live->session, event, force))
			return;
		link_read_journal(live);
		if (session_awaits_policy(live->session, head))
			link_read_guard(live->recorder);
		if (!session_event(live->session, event, live->journal < 0))
			return;
	}
	if (hold(&live->held, head, head->size, live->recorder->now_ns))
		return;
	/* no room to wait in: what is not known now stays unknown */
	feed_held(live, true);
	session_event(live->session, event, true);
}

static void feed_record(const void *record, size_t size, void *data)
{
	struct recorder *recorder = data;
	struct event_view event;
	struct live *live;

	recorder->stats.rec_events++;
	if (event_parse(record, size, &event) < 0) {
		recorder->stats.rec_bad_events++;
		return;
	}
	live = link_find(recorder, event.head->session);
	if (!live) {
		/* its introduction may be in the socket still */
		link_read_guard(recorder);
		live = link_find(recorder, event.head->session);
	}
	if (live)
		feed_session(live, &event);
	else if (!hold(&recorder->strangers, event.head, event.head->size, recorder->now_ns))
		recorder->stats.rec_unknown_session++;
}

void feed_strangers(struct recorder *recorder)
{
	struct held_queue queue = recorder->strangers;
	struct event_view event;

	recorder->strangers = (struct held_queue){ 0 };
	while (queue.first) {
		struct held *held = queue.first;
		struct live *live = NULL;

		if (!event_parse(held->record, held->size, &event))
			live = link_find(recorder, event.head->session);
		if (live)
			feed_session(live, &event);
		else if (recorder->now_ns - held->since_ns >= STRANGER_NS ||
			 !hold(&recorder->strangers, held->record, held->size, held->since_ns))
			recorder->stats.rec_unknown_session++;
		drop_first(&queue);
	}
}

size_t feed_ring(struct recorder *recorder)
{
	uint64_t begun = recorder->now_ns;
	size_t total = 0;
	size_t got;

	do {
		got = ring_read(recorder->ring, RING_BATCH, feed_record, recorder);
		total += got;
		recorder->now_ns = clock_mono_ns();
	} while (got == RING_BATCH && recorder->now_ns - begun < RING_NS);
	if (total)
		recorder->active_ns = recorder->now_ns;
	return total;
}
