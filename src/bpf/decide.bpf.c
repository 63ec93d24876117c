// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the answers of all blocks in play come to: decide.h. What cannot be read denies.
 */

#include "proc_self.h"
#include "tables.h"

static __always_inline __u32 first_verb(__u32 verbs)
{
	return verbs & 1 ? 0 : verbs & 2 ? 1 : verbs & 4 ? 2 : verbs & 8 ? 3 : verbs & 16 ? 4 : 0;
}

static __always_inline __u32 last_verb(__u32 verbs)
{
	return verbs & 16 ? 4 : verbs & 8 ? 3 : verbs & 4 ? 2 : verbs & 2 ? 1 : 0;
}

/* struct said's lines */
#define LINE_DENY MF_POL_VERB_MAX
#define LINE_BELOW (2 * MF_POL_VERB_MAX)

static __always_inline __u32 line_of(const struct said *said, __u32 which)
{
	barrier_var(which);
	return which <= LINE_BELOW ? said->lines[which] : 0;
}

/* What a refusal by a block of the policy comes to */
static __always_inline __u32 weight(const struct tables *t, __u32 block)
{
	__u32 at = MF_UNITS_BLOCKS + MF_UNITS_BLOCK * block, mode = t->d->use.mode;
	const __u32 *unit = bpf_map_lookup_elem(t->units, &at);

	if (!unit)
		return MF_DENY;
	if (mode > unit[7])
		mode = unit[7];
	return mode > MF_POL_ENFORCE ? MF_DENY : MF_OBSERVED - mode;
}

static __always_inline void take(struct weighed *to, __u32 verdict, __u32 reason, __u32 rule,
				 __u32 block, __u32 verb, __u32 flags)
{
	to->verdict = verdict;
	to->reason = reason;
	to->rule = rule;
	to->block = block;
	to->verb = verb;
	to->flags = flags;
}

/* Of d->said. Keeps the least; of equals the first. */
static __always_inline void weigh_denial(const struct deciding *d, __u32 verdict, __u32 reason,
					 __u32 block, __u32 flags, struct weighed *least)
{
	const struct said *said = &d->said;
	__u32 verb = first_verb(said->deny);

	if ((!said->deny && !said->below) || verdict >= least->verdict)
		return;
	if (said->deny)
		take(least, verdict, reason, line_of(said, LINE_DENY + verb), block, verb, flags);
	else
		take(least, verdict, MF_POL_BY_BELOW, line_of(said, LINE_BELOW), block,
		     MF_POL_WRITE, flags);
}

static __always_inline __u32 reason_of_none(const struct deciding *d, __u32 block)
{
	if (d->kind == DECIDE_NO_OBJECT)
		return MF_POL_BY_NO_OBJECT;
	return block == MF_POL_DEFAULT ? MF_POL_BY_NO_TEXT : MF_POL_BY_NO_RULE;
}

/* By the block's line, else the grants' in d->said, else base's */
static __always_inline void name_permission(struct deciding *d, __u32 block)
{
	__u32 verb = last_verb(d->verbs), bit = 1U << verb;
	struct weighed *to = &d->permission;

	if (d->own.allow & bit)
		take(to, MF_ALLOW, MF_POL_BY_ALLOW, line_of(&d->own, verb), block, verb, 0);
	else if (d->said.allow & bit)
		take(to, MF_ALLOW, MF_POL_BY_ALLOW, line_of(&d->said, verb), block, verb,
		     MF_DECIDED_BY_GRANT);
	else
		take(to, MF_ALLOW, MF_POL_BY_ALLOW, line_of(&d->base, verb), MF_POL_BASE, verb, 0);
}

static __always_inline bool takes_over(const struct deciding *d, __u32 verdict)
{
	if (!d->seen)
		return true;
	return d->use.flags & MF_UNITS_STRICT ? verdict < d->permission.verdict
					      : verdict > d->permission.verdict;
}

/* One request; false: its tables cannot be read */
static __always_inline bool weigh_request(struct tables *t, const struct mf_page_call *call,
					  __u64 ordinal)
{
	__u32 parity = t->d->use.generation & 1;
	__u32 block = parity ? call->block[1] : call->block[0];
	__u32 grants = parity ? call->grants[1] : call->grants[0];
	struct path_walk *walk = (void *)t->walk;
	struct deciding *d = t->d;
	__u32 missing, verdict;

	if (MF_UNITS_BLOCKS + MF_UNITS_BLOCK * block >= d->blocks_end)
		block = MF_POL_DEFAULT;
	verdict = weight(t, block);
	d->block = block;
	if (decide_block(d, walk))
		return false;
	weigh_denial(d, verdict, MF_POL_BY_DENY, block, 0, &d->denial);
	d->own = d->said;
	d->said.allow = 0;
	if (grants) {
		d->block = 0;
		d->first = grants;
		if (decide_block(d, walk))
			return false;
		d->first = 0;
		/* what has ended meanwhile grants nothing: its units may be another one's */
		if (mf_read_once(call->ordinal) != ordinal)
			__builtin_memset(&d->said, 0, sizeof(d->said));
		weigh_denial(d, verdict, MF_POL_BY_DENY, block, MF_DECIDED_BY_GRANT, &d->denial);
	}
	missing = d->verbs & ~(d->base.allow | d->own.allow | d->said.allow);
	if (missing && takes_over(d, verdict))
		take(&d->permission, verdict, reason_of_none(d, block), 0, block,
		     first_verb(missing), 0);
	if (!missing && takes_over(d, MF_ALLOW))
		name_permission(d, block);
	d->seen++;
	return true;
}

static long request_step(__u32 index, struct tables *t)
{
	struct deciding *d = t->d;
	struct mf_page_call *call;
	__u64 ordinal;

	if (index >= MF_PAGE_SLOTS)
		return 1;
	call = &t->page->calls[index];
	ordinal = mf_read_once(call->ordinal);
	if (!ordinal || (d->only && d->only != ordinal))
		return 0;
	if (!weigh_request(t, call, ordinal)) {
		d->out.reason = MF_POL_BY_FAULT;
		return 1;
	}
	return d->only || d->seen >= MF_STAMP_COUNT(mf_read_once(t->page->stamp));
}

static __always_inline void weigh_nothing(const struct tables *t)
{
	struct deciding *d = t->d;
	__u32 block = d->tables.flags & MF_POL_HAS_BASE ? MF_POL_BASE : MF_POL_DEFAULT;
	__u32 missing = d->verbs & ~d->base.allow, verb = last_verb(d->verbs);

	if (missing)
		take(&d->permission, weight(t, block), reason_of_none(d, block), 0, block,
		     first_verb(missing), 0);
	else
		take(&d->permission, MF_ALLOW, MF_POL_BY_ALLOW, line_of(&d->base, verb),
		     MF_POL_BASE, verb, 0);
}

static long ceiling_step(__u32 index, struct tables *t)
{
	struct deciding *d = t->d;
	__u32 missing, verdict, block;

	if (index >= d->use.ceiling_count || index >= MF_POL_CEILINGS_MAX)
		return 1;
	block = d->use.ceilings[index];
	d->block = block;
	if (decide_block(d, (void *)t->walk)) {
		d->out.reason = MF_POL_BY_FAULT;
		return 1;
	}
	verdict = weight(t, block);
	weigh_denial(d, verdict, MF_POL_BY_CEILING_DENY, block, 0, &d->ceiling);
	missing = d->verbs & ~d->said.allow;
	if (missing && verdict < d->ceiling.verdict)
		take(&d->ceiling, verdict, MF_POL_BY_CEILING, 0, block, first_verb(missing), 0);
	return 0;
}

static __always_inline void give(struct deciding *d, const struct weighed *weighed)
{
	d->out.flags |= weighed->flags;
	d->out.verdict = weighed->verdict;
	d->out.reason = weighed->reason;
	d->out.verb = weighed->verb;
	d->out.rule = weighed->rule;
	d->out.block = weighed->block;
}

/* false: the tables cannot be read */
static __always_inline bool weigh(struct tables *t)
{
	struct deciding *d = t->d;

	take(&d->denial, MF_ALLOW, 0, 0, 0, 0, 0);
	take(&d->ceiling, MF_ALLOW, 0, 0, 0, 0, 0);
	d->out.reason = 0;
	d->first = 0;
	d->seen = 0;
	d->block = MF_POL_BASE;
	if (decide_block(d, (void *)t->walk))
		return false;
	weigh_denial(d, weight(t, MF_POL_BASE), MF_POL_BY_DENY, MF_POL_BASE, 0, &d->denial);
	d->base = d->said;
	d->blocks_end = d->tables.paths;
	if (MF_STAMP_COUNT(mf_read_once(t->page->stamp))) {
		d->only = d->tag.request;
		if (d->only)
			bpf_loop(MF_PAGE_SLOTS, request_step, t, 0);
		d->only = 0;
		if (!d->seen)
			bpf_loop(MF_PAGE_SLOTS, request_step, t, 0);
	}
	if (!d->seen)
		weigh_nothing(t);
	if (d->use.ceiling_count)
		bpf_loop(MF_POL_CEILINGS_MAX, ceiling_step, t, 0);
	return d->out.reason != MF_POL_BY_FAULT;
}

/* false: the tables cannot be read as a whole */
static __always_inline bool decide_by(struct deciding *d, struct path_walk *walk)
{
	__u32 use_at = 1;
	const struct mf_unit *use;
	struct tables t;

	d->use.mode = MF_POL_ENFORCE; /* unless it is told otherwise */
	if (!tables_open(&t, d, walk))
		return false;
	use = bpf_map_lookup_elem(t.units, &use_at);
	if (!use)
		return false;
	__builtin_memcpy(&d->use, use, sizeof(d->use));
	if (d->use.session != d->tag.session || !weigh(&t))
		return false;
	d->out.generation = d->use.generation;
	if (d->denial.reason && d->denial.verdict <= d->ceiling.verdict &&
	    d->denial.verdict <= d->permission.verdict)
		give(d, &d->denial);
	else if (d->ceiling.reason && d->ceiling.verdict <= d->permission.verdict)
		give(d, &d->ceiling);
	else
		give(d, &d->permission);
	return true;
}

/* Connecting to no address is connecting to this machine. */
static __always_inline void address_connected(struct deciding *d)
{
	if (d->family == 4 && !(__u32)d->addr[0])
		d->addr[0] = bpf_cpu_to_be64(0x7f00000100000000ULL);
	if (d->family != 4 && !d->addr[0] && !d->addr[1])
		d->addr[1] = bpf_cpu_to_be64(1);
}

int decide(struct deciding *d, struct path_walk *walk, struct mf_tag *tag)
{
	if (!d || !walk || !tag) /* never, but the verifier does not know */
		return 1;
	d->tag = *tag;
	walk->bytes[MF_PATH_MAX] = '/'; /* a path's last name ends there */
	__builtin_memset(&d->out, 0, sizeof(d->out));
	if (d->kind == DECIDE_ESCAPE || d->kind == DECIDE_NO_OBJECT)
		d->verbs = 1;
	if (!d->verbs) /* no line allows that */
		d->verbs = MF_POL_BIT(MF_POL_VERB_MAX);
	if (d->kind == DECIDE_PATH)
		proc_self_find(d, walk);
	if (d->kind == DECIDE_ADDRESS && d->verbs & MF_POL_BIT(MF_POL_CONNECT))
		address_connected(d);
	d->out.flags = MF_DECIDED;
	if (!decide_by(d, walk)) {
		d->out.verdict = d->use.mode < MF_POL_ENFORCE ? MF_WOULD_DENY : MF_DENY;
		d->out.reason = MF_POL_BY_FAULT;
	}
	if (d->out.verdict != MF_DENY)
		return 0;
	d->out.flags |= MF_DECIDED_REFUSED;
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
