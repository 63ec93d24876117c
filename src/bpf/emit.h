/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Into the ring. Every event that finds no room is counted against its session. Bulk events (opens,
 * changes, network) are refused while the ring is over 7/8 full, so that fork, exec and exit, which
 * everything else is understood by, find room in a flood.
 *
 * Wake-ups cost 5 µs and more, so the consumer is woken only when the backlog passes a multiple of
 * 64 KiB; it polls by itself while requests are in flight.
 */

#include "tag.h"

#define MF_WAKE_BYTES (64U << 10)

static __always_inline __u64 wake_flags(__u64 backlog, __u32 size)
{
	return backlog / MF_WAKE_BYTES != (backlog + size) / MF_WAKE_BYTES ? BPF_RB_FORCE_WAKEUP
									   : BPF_RB_NO_WAKEUP;
}

/* 0, or the reason for which the event must not go into the ring; *ret_flags for its submission */
static __always_inline bool ring_has_room(const struct mf_tag *tag, __u32 size, bool bulk,
					  __u64 *ret_flags)
{
	__u64 backlog = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);

	if (bulk && backlog > ring_bytes / 8 * 7) {
		count_loss(tag, MF_LOSS_RING_BULK);
		return false;
	}
	*ret_flags = wake_flags(backlog, size);
	return true;
}

static __always_inline void count_event(const struct mf_tag *tag)
{
	struct mf_session_counters *c = counters_of(tag->session, tag->slot);

	if (c)
		__sync_fetch_and_add(&c->events, 1);
}

static __always_inline void event_fill(struct mf_event *event, __u16 kind, __u32 size, __u64 stamp,
				       const struct mf_who *who)
{
	event->version = MF_ABI_VERSION;
	event->kind = kind;
	event->size = size;
	event->t_ns = bpf_ktime_get_ns();
	event->session = who->tag.session;
	event->stamp = stamp;
	event->stamp_lo = stamp;
	event->birth = who->tag.birth;
	event->start_ns = who->start_ns;
	event->pid = who->pid;
	event->tid = who->tid;
	event->uid = who->uid;
	event->flags = who->flags;
	__builtin_memcpy(event->comm, who->comm, sizeof(event->comm));
	__builtin_memset(&event->decision, 0, sizeof(event->decision));
}

/* A record of constant size. NULL: no room, counted. Then ring_submit(). */
static __always_inline void *event_reserve(__u16 kind, __u32 size, bool bulk, __u64 stamp,
					   const struct mf_who *who, __u64 *ret_flags)
{
	struct mf_event *event;

	if (!ring_has_room(&who->tag, size, bulk, ret_flags))
		return NULL;
	event = bpf_ringbuf_reserve(&ring, size, 0);
	if (!event) {
		count_loss(&who->tag, MF_LOSS_RING_FULL);
		return NULL;
	}
	event_fill(event, kind, size, stamp, who);
	return event;
}

static __always_inline void event_submit(void *event, const struct mf_tag *tag, __u64 flags)
{
	bpf_ringbuf_submit(event, flags);
	count_event(tag);
}

/* A record of any size that was built elsewhere. */
static __always_inline int event_output(const void *event, __u32 size, bool bulk,
					const struct mf_tag *tag)
{
	__u64 flags;

	if (!ring_has_room(tag, size, bulk, &flags))
		return -1;
	if (bpf_ringbuf_output(&ring, (void *)event, size, flags)) {
		count_loss(tag, MF_LOSS_RING_FULL);
		return -1;
	}
	count_event(tag);
	return 0;
}
