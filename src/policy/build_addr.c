/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses and ports. The distinct prefixes of a block and family, sorted, come each behind those
 * that contain it; the rules of all prefixes open at one make its class, which says for each range
 * of ports what holds. Equal classes are one.
 */

#include <errno.h>
#include <string.h>

#include "policy/image.h"
#include "policy/slots.h"

#define PORTS_MAX (1U << 22) /* entries of the port table, before they go into slots */

/* [first, last] has one answer */
struct span {
	uint32_t first, last;
	uint32_t answer;
};

struct class
{
	size_t span, span_count; /* in `spans` */
};

struct builder {
	const struct policy_addr_rule *rules; /* sorted */
	size_t count;
	struct policy_answers *answers;
	struct policy_built *built;
	struct policy_array spans, classes, addrs, ports;
	uint32_t *class_slots; /* classes by content */
	size_t class_slot_count;
	struct policy_array
		open; /* size_t: rules of the prefixes that are open, outer ones first */
	struct policy_array starts; /* uint32_t: where a range may begin */
	uint32_t *painted[2 * 2]; /* rule of each range, for connect and listen, allow and deny */
	uint32_t *next; /* the next range that is not painted, at or behind this one */
	size_t range_room;
};

static void builder_free(struct builder *builder)
{
	policy_array_free(&builder->spans);
	policy_array_free(&builder->classes);
	policy_array_free(&builder->addrs);
	policy_array_free(&builder->ports);
	policy_array_free(&builder->open);
	policy_array_free(&builder->starts);
	free(builder->class_slots);
	for (size_t i = 0; i < ARRAY_LEN(builder->painted); i++)
		free(builder->painted[i]);
	free(builder->next);
}

static int by_number(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int by_prefix(const struct policy_addr_rule *a, const struct policy_addr_rule *b)
{
	int r = by_number(a->entry.block, b->entry.block);

	if (!r)
		r = by_number(a->address.family, b->address.family);
	if (!r)
		r = memcmp(a->address.addr, b->address.addr, sizeof(a->address.addr));
	return r ? r : by_number(a->length, b->length);
}

static int by_prefix_and_rule(const void *left, const void *right)
{
	const struct policy_addr_rule *a = left, *b = right;
	int r = by_prefix(a, b);

	if (!r)
		r = by_number(a->entry.rule, b->entry.rule);
	if (!r)
		r = by_number(a->entry.deny, b->entry.deny);
	if (!r)
		r = by_number(a->ports.first, b->ports.first);
	return r ? r : by_number(a->ports.last, b->ports.last);
}

static bool contains(const struct policy_addr_rule *outer, const struct policy_addr_rule *inner)
{
	size_t bytes = outer->length / 8;
	uint8_t mask = (uint8_t)(0xff00U >> outer->length % 8);

	return outer->entry.block == inner->entry.block &&
	       outer->address.family == inner->address.family && outer->length <= inner->length &&
	       memcmp(outer->address.addr, inner->address.addr, bytes) == 0 &&
	       (!mask || !((outer->address.addr[bytes] ^ inner->address.addr[bytes]) & mask));
}

static const struct policy_addr_rule *open_rule(const struct builder *builder, size_t index)
{
	return &builder->rules[((const size_t *)builder->open.items)[index]];
}

static int add_start(struct builder *builder, uint32_t start)
{
	void *item;
	int r = policy_array_add(&builder->starts, &item);

	if (r == 0)
		*(uint32_t *)item = start;
	return r;
}

static int by_start(const void *a, const void *b)
{
	return by_number(*(const uint32_t *)a, *(const uint32_t *)b);
}

/* Where what the open rules say can change. */
static int find_starts(struct builder *builder)
{
	uint32_t *starts;
	size_t kept = 0;
	int r;

	builder->starts.count = 0;
	r = add_start(builder, 0);
	for (size_t i = 0; r == 0 && i < builder->open.count; i++) {
		const struct policy_addr_rule *rule = open_rule(builder, i);

		if (rule->ports.first)
			r = add_start(builder, rule->ports.first);
		if (r == 0 && rule->ports.last < UINT16_MAX)
			r = add_start(builder, rule->ports.last + 1U);
	}
	if (r)
		return r;
	starts = builder->starts.items;
	qsort(starts, builder->starts.count, sizeof(*starts), by_start);
	for (size_t i = 0; i < builder->starts.count; i++) {
		if (!kept || starts[kept - 1] != starts[i])
			starts[kept++] = starts[i];
	}
	builder->starts.count = kept;
	return 0;
}

static int make_room(struct builder *builder, size_t ranges)
{
	size_t room = (ranges + 1) * 2;

	if (ranges + 1 <= builder->range_room)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(builder->painted); i++) {
		uint32_t *grown = realloc(builder->painted[i], room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		builder->painted[i] = grown;
	}
	free(builder->next);
	builder->next = malloc(room * sizeof(*builder->next));
	if (!builder->next)
		return -ENOMEM;
	builder->range_room = room;
	return 0;
}

static size_t range_at(const struct builder *builder, uint32_t port)
{
	const uint32_t *found = bsearch(&port, builder->starts.items, builder->starts.count,
					sizeof(uint32_t), by_start);

	return (size_t)(found - (const uint32_t *)builder->starts.items);
}

static uint32_t next_unpainted(struct builder *builder, uint32_t range)
{
	uint32_t root = range;

	while (builder->next[root] != root)
		root = builder->next[root];
	while (builder->next[range] != root) {
		uint32_t onward = builder->next[range];

		builder->next[range] = root;
		range = onward;
	}
	return root;
}

/* Nearer prefixes first: the innermost are the last that were opened. Of one prefix, smaller rules
 * first: that is how they are sorted. */
static void paint(struct builder *builder, uint32_t *painted, enum mf_pol_verb verb, bool deny)
{
	size_t count = builder->starts.count;

	memset(painted, 0, count * sizeof(*painted));
	for (uint32_t i = 0; i <= count; i++)
		builder->next[i] = i;
	for (size_t end = builder->open.count; end > 0;) {
		size_t begin = end - 1;

		while (begin > 0 &&
		       by_prefix(open_rule(builder, begin - 1), open_rule(builder, end - 1)) == 0)
			begin--;
		for (size_t i = begin; i < end; i++) {
			const struct policy_addr_rule *rule = open_rule(builder, i);
			size_t behind = rule->ports.last == UINT16_MAX
						? count
						: range_at(builder, rule->ports.last + 1U);
			uint32_t range;

			if (rule->entry.deny != deny || !(rule->entry.verbs & MF_POL_BIT(verb)))
				continue;
			range = (uint32_t)range_at(builder, rule->ports.first);
			while ((range = next_unpainted(builder, range)) < behind) {
				painted[range] = rule->entry.rule;
				builder->next[range] = range + 1;
			}
		}
		end = begin;
	}
}

static struct mf_pol_answer answer_of_range(const struct builder *builder, size_t range)
{
	struct mf_pol_answer answer = { 0 };

	for (int i = 0; i < 2; i++) {
		int verb = i ? MF_POL_LISTEN : MF_POL_CONNECT;

		answer.allow_rule[verb] = builder->painted[2 * i][range];
		answer.deny_rule[verb] = builder->painted[2 * i + 1][range];
		if (answer.allow_rule[verb])
			answer.allow |= MF_POL_BIT(verb);
		if (answer.deny_rule[verb])
			answer.deny |= MF_POL_BIT(verb);
	}
	return answer;
}

/* Appends the spans of the class that the open rules make: none with the empty answer. */
static int add_spans(struct builder *builder)
{
	const uint32_t *starts = builder->starts.items;
	size_t first = builder->spans.count;

	for (size_t i = 0; i < builder->starts.count; i++) {
		struct mf_pol_answer answer = answer_of_range(builder, i);
		struct span *before =
			builder->spans.count > first
				? (struct span *)builder->spans.items + builder->spans.count - 1
				: NULL;
		uint32_t last = i + 1 < builder->starts.count ? starts[i + 1] - 1 : UINT16_MAX;
		uint32_t index;
		void *item;
		int r = policy_answers_add(builder->answers, &answer, &index);

		if (r)
			return r;
		if (!index)
			continue;
		if (before && before->answer == index && before->last + 1 == starts[i]) {
			before->last = last;
			continue;
		}
		r = policy_array_add(&builder->spans, &item);
		if (r)
			return r;
		*(struct span *)item = (struct span){ starts[i], last, index };
	}
	return 0;
}

static int add_port_entries(struct builder *builder, uint32_t class, const struct span *span,
			    uint32_t *lengths)
{
	uint32_t port = span->first;

	while (port <= span->last) {
		struct mf_pol_port *entry;
		uint32_t size = 1, length = 16;
		void *item;
		int r;

		while (length && !(port & size) && port + 2 * size - 1 <= span->last) {
			size *= 2;
			length--;
		}
		r = policy_array_add(&builder->ports, &item);
		if (r)
			return r;
		entry = item;
		entry->key.class = class;
		entry->key.port[0] = (uint8_t)(port >> 8);
		entry->key.port[1] = (uint8_t)port;
		entry->key.length = (uint8_t)length;
		entry->answer = span->answer;
		*lengths |= 1U << length;
		port += size;
	}
	return 0;
}

static uint64_t class_hash(const struct span *spans, size_t count)
{
	uint64_t hash = count;

	for (size_t i = 0; i < count; i++)
		hash = slots_mix(hash ^ SLOTS_K0 ^ spans[i].answer,
				 ((uint64_t)spans[i].first << 32 | spans[i].last) ^ SLOTS_K1);
	return hash;
}

static int grow_class_slots(struct builder *builder)
{
	const struct class *classes = builder->classes.items;
	const struct span *spans = builder->spans.items;
	size_t count = builder->class_slot_count ? builder->class_slot_count * 2 : 64;
	uint32_t *slots;

	if (builder->classes.count * 2 < builder->class_slot_count)
		return 0;
	slots = calloc(count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 1; i < builder->classes.count; i++) {
		uint64_t hash = class_hash(spans + classes[i].span, classes[i].span_count);

		while (slots[hash & (count - 1)])
			hash++;
		slots[hash & (count - 1)] = i;
	}
	free(builder->class_slots);
	builder->class_slots = slots;
	builder->class_slot_count = count;
	return 0;
}

static int new_class(struct builder *builder, size_t first, size_t count, uint32_t *ret_class)
{
	struct mf_pol_class *kept;
	void *item;
	int r = policy_array_add(&builder->classes, &item);

	if (r)
		return r;
	*(struct class *)item = (struct class){ first, count };
	r = policy_array_add(&builder->built->classes, &item);
	if (r)
		return r;
	kept = item;
	*ret_class = (uint32_t)builder->classes.count - 1;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_port_entries(builder, *ret_class,
				     (const struct span *)builder->spans.items + first + i,
				     &kept->lengths);
	return r;
}

/* The class of the spans from `first` on: an equal one that is there, or a new one. */
static int class_of(struct builder *builder, size_t first, uint32_t *ret_class)
{
	const struct span *spans = builder->spans.items;
	size_t count = builder->spans.count - first;
	uint64_t hash = class_hash(spans + first, count);
	uint32_t index;
	int r = grow_class_slots(builder);

	if (r)
		return r;
	for (; (index = builder->class_slots[hash & (builder->class_slot_count - 1)]); hash++) {
		const struct class *class = (const struct class *)builder->classes.items + index;

		if (class->span_count == count &&
		    memcmp(spans + class->span, spans + first, count * sizeof(*spans)) == 0) {
			builder->spans.count = first;
			*ret_class = index;
			return 0;
		}
	}
	r = new_class(builder, first, count, ret_class);
	if (r == 0)
		builder->class_slots[hash & (builder->class_slot_count - 1)] = *ret_class;
	return r;
}

/* The prefix of rule `index`, all of whose rules are open. */
static int add_prefix(struct builder *builder, size_t index)
{
	const struct policy_addr_rule *rule = &builder->rules[index];
	struct mf_pol_block *block = &builder->built->blocks[rule->entry.block];
	size_t first = builder->spans.count;
	struct mf_pol_addr *addr;
	uint32_t class = 0;
	void *item;
	int r = find_starts(builder);

	if (r == 0)
		r = make_room(builder, builder->starts.count);
	for (int i = 0; r == 0 && i < 4; i++)
		paint(builder, builder->painted[i], i / 2 ? MF_POL_LISTEN : MF_POL_CONNECT, i % 2);
	if (r == 0)
		r = add_spans(builder);
	if (r == 0)
		r = class_of(builder, first, &class);
	if (r == 0)
		r = policy_array_add(&builder->addrs, &item);
	if (r)
		return r;
	addr = item;
	addr->key.block = rule->entry.block;
	addr->key.family = rule->address.family;
	memcpy(addr->key.addr, rule->address.addr, sizeof(addr->key.addr));
	addr->length = rule->length;
	addr->class = class;
	if (rule->address.family == 4)
		block->prefix4[rule->length / 8] |= (uint8_t)(1U << rule->length % 8);
	else
		block->prefix6[rule->length / 8] |= (uint8_t)(1U << rule->length % 8);
	return 0;
}

static int add_prefixes(struct builder *builder)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < builder->count;) {
		const struct policy_addr_rule *rule = &builder->rules[i];

		while (builder->open.count &&
		       !contains(open_rule(builder, builder->open.count - 1), rule))
			builder->open.count--;
		for (size_t first = i; r == 0 && i < builder->count &&
				       by_prefix(&builder->rules[first], &builder->rules[i]) == 0;
		     i++) {
			void *item;

			r = policy_array_add(&builder->open, &item);
			if (r == 0)
				*(size_t *)item = i;
		}
		if (r == 0)
			r = add_prefix(builder, i - 1);
	}
	return r;
}

int policy_build_addresses(struct policy_array *rules, struct policy_answers *answers,
			   struct policy_built *built)
{
	_cleanup_(builder_free) struct builder builder = {
		.rules = rules->items,
		.count = rules->count,
		.answers = answers,
		.built = built,
		.spans = { .item_size = sizeof(struct span), .max = PORTS_MAX },
		.classes = { .item_size = sizeof(struct class), .max = PORTS_MAX },
		.addrs = { .item_size = sizeof(struct mf_pol_addr), .max = MF_POL_NODES_MAX },
		.ports = { .item_size = sizeof(struct mf_pol_port), .max = PORTS_MAX },
		.open = { .item_size = sizeof(size_t), .max = MF_POL_NODES_MAX },
		.starts = { .item_size = sizeof(uint32_t), .max = 2 * MF_POL_NODES_MAX + 1 },
	};
	void *item;
	int r;

	built->classes =
		(struct policy_array){ .item_size = sizeof(struct mf_pol_class), .max = PORTS_MAX };
	if (rules->count)
		qsort(rules->items, rules->count, sizeof(struct policy_addr_rule),
		      by_prefix_and_rule);
	r = policy_array_add(&builder.classes, &item); /* class 0 is none */
	if (r == 0)
		r = policy_array_add(&built->classes, &item);
	if (r == 0)
		r = add_prefixes(&builder);
	if (r == 0)
		r = policy_slots_addrs(builder.addrs.items, builder.addrs.count, &built->addrs,
				       &built->addr_seed);
	if (r == 0)
		r = policy_slots_ports(builder.ports.items, builder.ports.count, &built->ports,
				       &built->port_seed);
	return r;
}
