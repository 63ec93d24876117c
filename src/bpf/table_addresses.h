/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * An address: its class, then the port of that class, as src/policy/tables.c.
 */

#include "tables.h"

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
