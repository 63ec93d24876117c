// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Decides an access: decide.h. Functions of their own, each of which the verifier looks at once for
 * each program. All that they work with stays in a map, so that one round of a loop looks to the
 * verifier like any other. What cannot be read denies.
 */

#include "decide.h"
#include "slots.h"

#define NAME_STEPS MF_PATH_MAX

struct tables {
	void *units; /* the policy's */
	struct mf_page *page; /* with those of grants */
	struct deciding *d;
	const struct path_walk *walk;
};

/* false: they are another session's, or gone */
static __always_inline bool tables_open(struct tables *t, struct deciding *d,
					const struct path_walk *walk)
{
	__u32 slot = d->tag.slot;

	t->d = d;
	t->walk = walk;
	t->page = page_of(&d->tag);
	t->units = bpf_map_lookup_elem(&policies, &slot);
	return t->units && t->page;
}

static __always_inline struct mf_unit *unit_at(const struct tables *t, __u32 index)
{
	__u32 first = t->d->first;

	if (!first)
		return bpf_map_lookup_elem(t->units, &index);
	index += first - 1;
	barrier_var(index);
	if (index >= MF_PAGE_UNITS)
		return NULL;
	return &t->page->units[index];
}

/* --- slots: in `found` is the unit of what is looked for, from d->hash on --- */

static __always_inline __u32 slot_of(const struct deciding *d, __u32 slots, __u32 slot_count,
				     __u32 probe)
{
	return slots + ((d->hash + probe) & (slot_count - 1));
}

static long path_probe(__u32 probe, struct tables *t)
{
	struct deciding *d = t->d;
	__u32 at = slot_of(d, d->tables.paths, d->tables.path_slots, probe);
	const struct mf_unit *unit = unit_at(t, at);
	__u64 other;

	if (!unit || !unit->word[0] || probe >= d->tables.path_slots)
		return 1;
	other = (unit->word[0] ^ d->key[0]) | (unit->word[1] ^ d->key[1]) |
		(unit->word[2] ^ d->key[2]) | (unit->word[3] ^ d->key[3]) |
		(unit->word[4] ^ d->key[4]);
	if (!other)
		d->found = at;
	return !other;
}

static long addr_probe(__u32 probe, struct tables *t)
{
	struct deciding *d = t->d;
	__u32 at = slot_of(d, d->tables.addrs, d->tables.addr_slots, probe);
	const struct mf_unit *unit = unit_at(t, at);
	__u64 other;

	if (!unit || !unit->word[0] || probe >= d->tables.addr_slots)
		return 1;
	other = (unit->word[0] ^ d->key[0]) | (unit->word[1] ^ d->key[1]) |
		(unit->word[2] ^ d->key[2]) | ((__u32)unit->word[3] ^ d->length);
	if (!other)
		d->class = unit->word[3] >> 32;
	return !other;
}

static long port_probe(__u32 probe, struct tables *t)
{
	struct deciding *d = t->d;
	__u32 at = slot_of(d, d->tables.ports, d->tables.port_slots, probe);
	const struct mf_unit *unit = unit_at(t, at);

	if (!unit || !unit->word[0] || probe >= d->tables.port_slots)
		return 1;
	if (unit->word[0] != d->key[0])
		return 0;
	d->found = at;
	d->answer = unit->word[1];
	return 1;
}

/* --- names --- */

/* The next up to MF_POL_CHUNK bytes of a component */
struct chunk {
	__u64 *words;
	__u64 open; /* all bits until the component has ended, then none */
	__u32 size;
};

static __always_inline void chunk_word(struct chunk *chunk, const char *at, __u64 *ret_word)
{
	__u64 word = *(const __u64 *)at, slash = slots_slash(word);
	__u64 kept = slots_below(slash) & chunk->open;

	*ret_word = word & kept;
	chunk->size += slots_bytes(kept);
	chunk->open &= slots_if_none(slash);
}

static __always_inline void chunk_of_path(const char *bytes, struct chunk *chunk)
{
	chunk->size = 0;
	chunk->open = ~0ULL;
	chunk_word(chunk, bytes, &chunk->words[0]);
	chunk_word(chunk, bytes + 8, &chunk->words[1]);
	chunk_word(chunk, bytes + 16, &chunk->words[2]);
	chunk_word(chunk, bytes + 24, &chunk->words[3]);
	chunk->open &= slots_if_none(slots_slash((__u8)bytes[MF_POL_CHUNK]));
}

static __always_inline __u64 cut_word(const char *bytes, __u32 size, __u32 at)
{
	__u64 word = *(const __u64 *)(bytes + at);

	if (size <= at)
		return 0;
	if (size < at + 8)
		return word & ((1ULL << (8 * (size - at))) - 1);
	return word;
}

/* The same of a name that may have any byte */
static __always_inline void chunk_of_name(const char *bytes, __u32 size, struct chunk *chunk)
{
	chunk->open = size > MF_POL_CHUNK ? ~0ULL : 0;
	chunk->size = chunk->open ? MF_POL_CHUNK : size;
	chunk->words[0] = cut_word(bytes, chunk->size, 0);
	chunk->words[1] = cut_word(bytes, chunk->size, 8);
	chunk->words[2] = cut_word(bytes, chunk->size, 16);
	chunk->words[3] = cut_word(bytes, chunk->size, 24);
}

/* One entry further down. 1: it ends here. */
static long name_step(__u32 index, struct tables *t)
{
	struct deciding *d = t->d;
	struct chunk chunk = { .words = &d->key[1] };
	bool is_path = d->kind == DECIDE_PATH;
	__u32 at = d->at;
	const struct mf_pol_path *slot;
	const char *bytes = &t->walk->bytes[at & (MF_PATH_MAX - 1)];

	if (at >= MF_PATH_MAX)
		return 1;
	if (is_path)
		chunk_of_path(bytes, &chunk);
	else
		chunk_of_name(bytes, MF_PATH_MAX - at, &chunk);
	if (!chunk.size) { /* no name between two slashes */
		d->at = at + 1;
		return 0;
	}
	d->exact = 0;
	if (!d->node)
		return 1;
	d->key[0] = d->node | (__u64)chunk.size << 32 | (~chunk.open & 1) << 40;
	d->hash = slots_path_hash(d->key[0], &d->key[1], d->tables.path_seed);
	d->found = 0;
	if (!path_probe(0, t))
		bpf_loop(MF_POL_PROBES_MAX, path_probe, t, 0);
	if (!d->found)
		return 1;
	slot = (const void *)unit_at(t, d->found);
	if (!slot)
		return 1;
	d->node = slot->child;
	if (!chunk.open) {
		d->answer = slot->answer;
		d->exact = 1;
	}
	d->at = at + chunk.size + (!chunk.open && is_path);
	return 0;
}

/* --- addresses --- */

/* The first `length` bits of a word in network order */
static __always_inline __u64 first_bits(__u64 word, __u32 length)
{
	if (!length)
		return 0;
	if (length >= 64)
		return word;
	return word & bpf_cpu_to_be64(~0ULL << (64 - length));
}

/* The class of the longest prefix; lengths are tried from the longest on. */
static long class_step(__u32 index, struct tables *t)
{
	struct deciding *d = t->d;
	__u32 length = (d->family == 4 ? 32 : 128) - index;

	if (length > 128)
		return 1;
	if (!(d->prefixes[length >> 6 & 1] >> (length & 63) & 1 && length < 128) &&
	    !(length == 128 && d->prefixes[2] & 1))
		return 0;
	d->length = length;
	d->key[0] = d->block | (__u64)d->family << 32;
	d->key[1] = first_bits(d->addr[0], length);
	d->key[2] = length > 64 ? first_bits(d->addr[1], length - 64) : 0;
	d->hash = slots_addr_hash(d->key, length, d->tables.addr_seed);
	if (!addr_probe(0, t))
		bpf_loop(MF_POL_PROBES_MAX, addr_probe, t, 0);
	return !!d->class;
}

static long port_step(__u32 index, struct tables *t)
{
	struct deciding *d = t->d;
	__u32 length = 16 - index, cut;

	if (length > 16)
		return 1;
	if (!(d->length >> length & 1))
		return 0;
	cut = d->port & (0xffff0000U >> length);
	d->key[0] = d->class | (__u64)(cut >> 8 & 0xff) << 32 | (__u64)(cut & 0xff) << 40 |
		    (__u64)length << 48;
	d->hash = slots_port_hash(d->key[0], d->tables.port_seed);
	d->found = 0;
	if (!port_probe(0, t))
		bpf_loop(MF_POL_PROBES_MAX, port_probe, t, 0);
	return !!d->found;
}

static __always_inline bool answer_of_address(struct tables *t)
{
	struct deciding *d = t->d;
	const struct mf_unit *class;

	d->class = 0;
	d->answer = 0;
	bpf_loop(129, class_step, t, 0);
	if (!d->class)
		return true;
	class = unit_at(t, d->tables.classes + d->class);
	if (!class)
		return false;
	d->length = class->word[0];
	bpf_loop(17, port_step, t, 0);
	return true;
}

/* --- one block --- */

static __always_inline bool prefixes_of(const struct tables *t, const struct mf_unit *block,
					__u32 at)
{
	struct deciding *d = t->d;
	const struct mf_unit *more;

	if (d->family == 4) {
		d->prefixes[0] = block->word[5];
		d->prefixes[1] = d->prefixes[2] = 0;
		return true;
	}
	more = unit_at(t, at + 1);
	if (!more)
		return false;
	d->prefixes[0] = more->word[0];
	d->prefixes[1] = more->word[1];
	d->prefixes[2] = more->word[2];
	return true;
}

static __always_inline bool ask(struct tables *t)
{
	struct deciding *d = t->d;
	__u32 at = MF_UNITS_BLOCKS + MF_UNITS_BLOCK * d->block;
	const struct mf_unit *unit = unit_at(t, at), *head = unit_at(t, 0);
	const struct mf_pol_answer *answer;
	const __u32 *block = (const void *)unit;
	bool is_path = d->kind == DECIDE_PATH;

	__builtin_memset(&d->said, 0, sizeof(d->said));
	if (!unit || !head)
		return false;
	__builtin_memcpy(&d->tables, head, sizeof(d->tables));
	if (at >= d->tables.paths)
		return false;
	if (is_path || d->kind == DECIDE_ABSTRACT) {
		d->node = is_path ? block[0] : block[2];
		d->answer = is_path ? block[1] : block[3];
		d->at = t->walk->pos;
		d->exact = 1;
		bpf_loop(NAME_STEPS, name_step, t, 0);
	} else if (d->kind == DECIDE_ADDRESS) {
		if (!prefixes_of(t, unit, at) || !answer_of_address(t))
			return false;
	} else {
		if (d->kind == DECIDE_ESCAPE) {
			d->said.allow = block[4] >> (d->escape & 31) & 1;
			d->said.deny = block[5] >> (d->escape & 31) & 1;
		}
		return true;
	}
	answer = (const void *)unit_at(t, d->tables.answers + d->answer);
	if (!answer)
		return false;
	d->said.allow = answer->allow & d->verbs;
	d->said.deny = answer->deny & d->verbs;
	d->said.below = d->whole && d->exact && answer->below;
	__builtin_memcpy(d->said.lines, answer->allow_rule, sizeof(d->said.lines));
	return true;
}

/* Asks d->block, in the tables at d->first; not 0: they cannot be read. */
int decide_ask(struct deciding *d, struct path_walk *walk)
{
	struct tables t;

	if (!d || !walk) /* never, but the verifier does not know */
		return 1;
	return !tables_open(&t, d, walk) || !ask(&t);
}

/* --- what it comes to --- */

static __always_inline __u32 first_verb(__u32 verbs)
{
	return !verbs || verbs & 1 ? 0 : verbs & 2 ? 1 : verbs & 4 ? 2 : verbs & 8 ? 3 : 4;
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
static __always_inline bool weigh_request(struct tables *t, __u32 block, __u32 grants)
{
	struct path_walk *walk = (void *)t->walk;
	struct deciding *d = t->d;
	__u32 missing, verdict;

	if (MF_UNITS_BLOCKS + MF_UNITS_BLOCK * block >= d->blocks_end)
		block = MF_POL_DEFAULT;
	verdict = weight(t, block);
	d->block = block;
	if (decide_ask(d, walk))
		return false;
	weigh_denial(d, verdict, MF_POL_BY_DENY, block, 0, &d->denial);
	d->own = d->said;
	d->said.allow = 0;
	if (grants) {
		d->block = 0;
		d->first = grants;
		if (decide_ask(d, walk))
			return false;
		d->first = 0;
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
	__u32 parity = d->use.generation & 1;
	__u64 ordinal;

	if (index >= MF_PAGE_SLOTS)
		return 1;
	call = &t->page->calls[index];
	ordinal = mf_read_once(call->ordinal);
	if (!ordinal || (d->only && d->only != ordinal))
		return 0;
	if (!weigh_request(t, parity ? call->block[1] : call->block[0],
			   parity ? call->grants[1] : call->grants[0])) {
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
	if (decide_ask(d, (void *)t->walk)) {
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
	d->seen = 0;
	d->block = MF_POL_BASE;
	if (decide_ask(d, (void *)t->walk))
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

static __always_inline bool decide_by(struct deciding *d, struct path_walk *walk)
{
	__u32 use_at = 1;
	const struct mf_unit *use;
	struct tables t;

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
	if (!d || !walk || !tag) /* as above */
		return 1;
	d->tag = *tag;
	d->first = 0;
	walk->bytes[MF_PATH_MAX] = '/'; /* a path's last name ends there */
	__builtin_memset(&d->out, 0, sizeof(d->out));
	if (d->kind == DECIDE_ESCAPE || d->kind == DECIDE_NO_OBJECT)
		d->verbs = 1;
	if (d->kind == DECIDE_ADDRESS && d->verbs & MF_POL_BIT(MF_POL_CONNECT))
		address_connected(d);
	d->out.flags = MF_DECIDED;
	if (!decide_by(d, walk)) {
		d->out.verdict = MF_DENY;
		d->out.reason = MF_POL_BY_FAULT;
	}
	if (d->out.verdict != MF_DENY)
		return 0;
	d->out.flags |= MF_DECIDED_REFUSED;
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
