/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * An event about what the current task is doing, from a hook in its own context. Where the event
 * has paths it is put together in one of the processor's places: the task may be preempted in the
 * midst of it, and another one come to the same hook on the same processor, so a place is claimed
 * first. All taken: counted as no room.
 */

#include "decide.h"
#include "emit.h"

#define MF_PLACES 4 /* on each processor */
#define MF_BODY_MAX 64 /* the largest body that has paths */
/* a record's size in the ring must be known beforehand: what most paths fit into */
#define MF_ROOM_SHORT 64
#define MF_ROOM_LONGER 192

struct place {
	__u32 busy;
	__u32 pad;
	struct mf_event event;
	char rest[MF_BODY_MAX + 2 * MF_PATH_MAX]; /* body, then paths */
	struct path_walk walk;
	struct deciding deciding;
	struct mf_who who; /* that the event is about */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MF_PLACES);
	__type(key, __u32);
	__type(value, struct place);
} places MF_MAP;

struct actor {
	struct mf_tag *tag;
	__u64 stamp;
};

/* Whether others come by a hook so often that what it costs them counts: is_stranger() */
#define SELDOM false
#define OFTEN true

/* false: of no session, or of one that is gone. What every program begins with. */
static __always_inline bool actor_is_ours(struct actor *actor, bool often)
{
	struct task_struct *task = bpf_get_current_task_btf();

	actor->tag = NULL;
	if (often && is_stranger(task))
		return false;
	actor->tag = tag_of(task);
	if (!actor->tag)
		return false;
	actor->stamp = stamp_of(actor->tag);
	if (actor->stamp == MF_NO_STAMP)
		return false;
	return true;
}

static __always_inline struct place *place_try(__u32 i)
{
	struct place *place = bpf_map_lookup_elem(&places, &i);

	return place && !__sync_val_compare_and_swap(&place->busy, 0, 1) ? place : NULL;
}

/* NULL: counted. Else place_leave() it. */
static __always_inline struct place *place_take(const struct actor *actor)
{
	struct place *place = place_try(0);

	if (!place)
		place = place_try(1);
	if (!place)
		place = place_try(2);
	if (!place)
		place = place_try(3);
	if (!place) {
		count_loss(actor->tag, MF_LOSS_RING_FULL);
		return NULL;
	}
	undecided(&place->deciding);
	who_of(bpf_get_current_task_btf(), actor->tag, &place->who);
	return place;
}

static __always_inline int place_verdict(const struct place *place)
{
	return place->deciding.out.flags & MF_DECIDED_REFUSED ? MF_REFUSED : 0;
}

static __always_inline void place_decide(struct place *place, const struct actor *actor)
{
	decided(&place->deciding, &place->walk, actor->tag, bpf_get_current_task_btf());
}

static __always_inline void place_leave(struct place *place)
{
	__sync_val_compare_and_swap(&place->busy, 1, 0);
}

/* `fresh`: the name is only now being made. */
static __always_inline void place_walk(struct place *place, struct vfsmount *mnt,
				       struct dentry *dentry, bool fresh, const struct mf_tag *tag)
{
	path_at(mnt, dentry, fresh, &place->walk);
	count_path_loss(tag, &place->walk);
}

/* Puts the path behind what is in `rest` up to `at`, a body and at most one path. Returns its
 * length. */
static __always_inline __u32 place_path(struct place *place, __u32 at, struct vfsmount *mnt,
					struct dentry *dentry, bool fresh, const struct mf_tag *tag)
{
	place_walk(place, mnt, dentry, fresh, tag);
	barrier_var(at);
	if (at > MF_BODY_MAX + MF_PATH_MAX)
		return 0;
	return path_copy(&place->walk, &place->rest[at], MF_PATH_MAX);
}

/* `size` of what is in `rest` */
static __always_inline void place_say(struct place *place, __u16 kind, __u32 size, __u32 flags,
				      const struct actor *actor)
{
	__u32 whole = sizeof(place->event) + size;

	event_fill(&place->event, kind, whole, actor->stamp, &place->who);
	place->event.flags |= flags;
	place->event.decision = place->deciding.out;
	barrier_var(whole);
	if (whole > sizeof(place->event) + sizeof(place->rest))
		return;
	event_output(&place->event, whole, !place_verdict(place), actor->tag);
}

/* Put together in the ring itself, where the path fits into `room` */
static __always_inline bool path_say_in(__u32 room, const struct place *place, __u16 kind,
					const void *body, __u32 body_size, __u32 flags,
					const struct actor *actor)
{
	__u32 len = path_length(&place->walk);
	struct mf_event *event;
	__u64 submit_flags;

	if (len > room)
		return false;
	event = event_reserve(kind, sizeof(*event) + body_size + room, !place_verdict(place),
			      actor->stamp, &place->who, &submit_flags);
	if (!event)
		return true;
	event->size = sizeof(*event) + body_size + len;
	event->flags |= flags;
	event->decision = place->deciding.out;
	__builtin_memcpy(event + 1, body, body_size);
	path_copy(&place->walk, (char *)(event + 1) + body_size, room);
	event_submit(event, actor->tag, submit_flags);
	return true;
}

/* An event with one path, path_length() of place->walk, behind its body */
static __always_inline void path_say(struct place *place, __u16 kind, const void *body,
				     __u32 body_size, __u32 flags, const struct actor *actor)
{
	if (path_say_in(MF_ROOM_SHORT, place, kind, body, body_size, flags, actor) ||
	    path_say_in(MF_ROOM_LONGER, place, kind, body, body_size, flags, actor))
		return;
	__builtin_memcpy(place->rest, body, body_size);
	place_say(place, kind,
		  body_size + path_copy(&place->walk, &place->rest[body_size], MF_PATH_MAX), flags,
		  actor);
}
