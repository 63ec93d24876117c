/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * An address: its class, then the port of that class, as src/policy/tables.c.
 */

#include "tables.h"

/* The first `length` bits of a word in network order */
static __always_inline __u64 first_bits(__u64 word, __u32 length)
{
	if (!length)
		return 0;
	if (length >= 64)
		return word;
	return word & bpf_cpu_to_be64(~0ULL << (64 - length));
}

#define CLASS_STEPS 4352 /* for each length of a prefix, each slot that is looked at */
#define PORT_STEPS 576

static __always_inline bool has_prefix(const struct deciding *d, __u32 length)
{
	__u64 word = length < 64 ? d->prefixes[0] : length < 128 ? d->prefixes[1] : d->prefixes[2];

	return word >> (length & 63) & 1;
}

/* What is left to try; 1: nothing */
static __always_inline long shorter(struct deciding *d)
{
	d->probe = 0;
	return !d->length--;
}

/* The class of the longest prefix */
static long class_step(__u32 index, struct tables *t)
{
	struct deciding *d = t->d;
	__u32 length = d->length;
	const struct mf_unit *unit;

	if (!d->probe) {
		if (!has_prefix(d, length))
			return shorter(d);
		d->key[0] = d->block | (__u64)d->family << 32;
		d->key[1] = first_bits(d->addr[0], length);
		d->key[2] = length > 64 ? first_bits(d->addr[1], length - 64) : 0;
		d->hash = slots_addr_hash(d->key, length, d->tables.addr_seed);
	}
	unit = slot_probe(t, d->tables.addrs, d->tables.addr_slots);
	if (!unit)
		return shorter(d);
	if ((unit->word[0] ^ d->key[0]) | (unit->word[1] ^ d->key[1]) |
	    (unit->word[2] ^ d->key[2]) | ((__u32)unit->word[3] ^ length))
		return 0;
	d->class = unit->word[3] >> 32;
	return 1;
}

static long port_step(__u32 index, struct tables *t)
{
	struct deciding *d = t->d;
	__u32 length = d->length, cut;
	const struct mf_unit *unit;

	if (!d->probe) {
		if (!(d->prefixes[0] >> (length & 63) & 1))
			return shorter(d);
		cut = d->port & (0xffff0000U >> (length & 31));
		d->key[0] = d->class | (__u64)(cut >> 8 & 0xff) << 32 | (__u64)(cut & 0xff) << 40 |
			    (__u64)length << 48;
		d->hash = slots_port_hash(d->key[0], d->tables.port_seed);
	}
	unit = slot_probe(t, d->tables.ports, d->tables.port_slots);
	if (!unit)
		return shorter(d);
	if (unit->word[0] != d->key[0])
		return 0;
	d->answer = unit->word[1];
	return 1;
}

static __always_inline bool answer_of_address(struct tables *t)
{
	struct deciding *d = t->d;
	const struct mf_unit *class;

	d->class = 0;
	d->answer = 0;
	d->probe = 0;
	d->length = d->family == 4 ? 32 : 128;
	bpf_loop(CLASS_STEPS, class_step, t, 0);
	if (!d->class)
		return true;
	class = unit_at(t, d->tables.classes + d->class);
	if (!class)
		return false;
	d->prefixes[0] = (__u32) class->word[0]; /* of ports */
	d->probe = 0;
	d->length = 16;
	bpf_loop(PORT_STEPS, port_step, t, 0);
	return true;
}
