/* SPDX-License-Identifier: BSD-2-Clause */
/* The builder: blocks, the trie of paths and names, escapes. Addresses are in build_addr.c. */

#include "policy/build.h"

#include <errno.h>
#include <string.h>

#include "policy/image.h"
#include "policy/slots.h"

struct node {
	struct mf_pol_path_key key; /* how it is reached; node 0: a root */
	struct mf_pol_answer own; /* of the rules for this very object; then of those above, too */
	uint32_t below_rule; /* the first deny at or below it */
	uint8_t below;
	uint32_t answer;
	uint32_t number; /* in the image; 0: nothing goes on from here */
};

struct policy_builder {
	struct mf_pol_block *blocks;
	uint32_t block_count;
	struct policy_array nodes; /* [0] is not used */
	uint32_t *slots; /* nodes by key */
	size_t slot_count;
	struct policy_array addrs; /* struct policy_addr_rule */
	struct policy_array escapes; /* [0] is all zero */
};

uint8_t policy_verbs_implied(uint8_t verbs, bool deny)
{
	if (!(verbs & MF_POL_BIT(MF_POL_WRITE)))
		return verbs;
	/* a bound socket is a file that is created */
	verbs |= MF_POL_BIT(MF_POL_LISTEN);
	return deny ? verbs : verbs | MF_POL_BIT(MF_POL_READ);
}

void policy_builder_free(struct policy_builder *builder)
{
	if (!builder)
		return;
	free(builder->blocks);
	policy_array_free(&builder->nodes);
	free(builder->slots);
	policy_array_free(&builder->addrs);
	policy_array_free(&builder->escapes);
	free(builder);
}

static struct node *node_at(const struct policy_builder *builder, uint32_t index)
{
	return (struct node *)builder->nodes.items + index;
}

static int add_node(struct policy_builder *builder, const struct slots_key *key,
		    uint32_t *ret_index)
{
	void *item;
	int r = policy_array_add(&builder->nodes, &item);

	if (r == 0) {
		memcpy(&((struct node *)item)->key, key, sizeof(struct mf_pol_path_key));
		*ret_index = (uint32_t)builder->nodes.count - 1;
	}
	return r;
}

int policy_builder_new(uint32_t block_count, struct policy_builder **ret_builder)
{
	_cleanup_policy_builder_ struct policy_builder *builder = NULL;
	void *item;
	int r = 0;

	if (block_count > MF_POL_BLOCKS_MAX)
		return -E2BIG;
	builder = calloc(1, sizeof(*builder));
	if (!builder)
		return -ENOMEM;
	builder->nodes =
		(struct policy_array){ .item_size = sizeof(struct node), .max = MF_POL_NODES_MAX };
	builder->addrs = (struct policy_array){ .item_size = sizeof(struct policy_addr_rule),
						.max = MF_POL_NODES_MAX };
	builder->escapes = (struct policy_array){ .item_size = sizeof(struct mf_pol_escapes),
						  .max = MF_POL_BLOCKS_MAX + 1 };
	builder->block_count = block_count;
	builder->blocks = calloc(block_count ? block_count : 1, sizeof(*builder->blocks));
	if (!builder->blocks)
		return -ENOMEM;
	/* nodes 0 and, of block b, 1 + 2b (paths) and 2 + 2b (abstract names) */
	for (uint32_t i = 0; r == 0 && i < 1 + 2 * block_count; i++)
		r = policy_array_add(&builder->nodes, &item);
	for (uint32_t i = 0; i < block_count; i++) {
		builder->blocks[i].path_root = 1 + 2 * i;
		builder->blocks[i].abstract_root = 2 + 2 * i;
	}
	if (r == 0)
		r = policy_array_add(&builder->escapes, &item);
	if (r == 0)
		*ret_builder = take_ptr(builder);
	return r;
}

void policy_builder_block(struct policy_builder *builder, uint32_t block,
			  enum mf_pol_block_kind kind, enum mf_pol_mode mode, uint32_t rule)
{
	builder->blocks[block].kind = kind;
	builder->blocks[block].mode = mode;
	builder->blocks[block].rule = rule;
}

static void index_node(struct policy_builder *builder, uint32_t index)
{
	const struct slots_key key = slots_key_of(&node_at(builder, index)->key);
	uint64_t hash = slots_path_hash(&key, 0);

	while (builder->slots[hash & (builder->slot_count - 1)])
		hash++;
	builder->slots[hash & (builder->slot_count - 1)] = index;
}

static int make_room(struct policy_builder *builder)
{
	uint32_t *slots;
	size_t count = builder->slot_count ? builder->slot_count * 2 : 64;

	if (builder->nodes.count * 2 < builder->slot_count)
		return 0;
	while (count < builder->nodes.count * 4)
		count *= 2;
	slots = calloc(count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(builder->slots);
	builder->slots = slots;
	builder->slot_count = count;
	for (uint32_t i = 1 + 2 * builder->block_count; i < builder->nodes.count; i++)
		index_node(builder, i);
	return 0;
}

/* The node that `key` leads to, made where there is none. */
static int child_of(struct policy_builder *builder, const struct slots_key *key,
		    uint32_t *ret_index)
{
	int r = make_room(builder);
	uint64_t hash = slots_path_hash(key, 0);
	uint32_t index;

	if (r)
		return r;
	for (; (index = builder->slots[hash & (builder->slot_count - 1)]); hash++) {
		if (slots_path_is(&node_at(builder, index)->key, key)) {
			*ret_index = index;
			return 0;
		}
	}
	r = add_node(builder, key, ret_index);
	if (r == 0)
		builder->slots[hash & (builder->slot_count - 1)] = *ret_index;
	return r;
}

static int descend_component(struct policy_builder *builder, const char *name, size_t size,
			     uint32_t *node)
{
	while (size) {
		size_t taken = size > MF_POL_CHUNK ? MF_POL_CHUNK : size;
		const struct slots_key key = slots_key(*node, name, taken, taken == size);
		int r = child_of(builder, &key, node);

		if (r)
			return r;
		name += taken;
		size -= taken;
	}
	return 0;
}

/* Of two rules for one object the smaller one is named. */
static void set_rule(uint32_t *slot, uint32_t rule)
{
	if (!*slot || rule < *slot)
		*slot = rule;
}

void policy_answer_add(struct mf_pol_answer *answer, const struct policy_entry *entry)
{
	for (int verb = 0; verb < MF_POL_VERB_MAX; verb++) {
		if (entry->verbs & MF_POL_BIT(verb))
			set_rule(entry->deny ? &answer->deny_rule[verb] : &answer->allow_rule[verb],
				 entry->rule);
	}
	if (entry->deny)
		answer->deny |= entry->verbs;
	else
		answer->allow |= entry->verbs;
}

static bool entry_is_good(const struct policy_builder *builder, const struct policy_entry *entry)
{
	return entry->block < builder->block_count && entry->rule &&
	       !(entry->verbs >> MF_POL_VERB_MAX);
}

int policy_builder_path(struct policy_builder *builder, struct policy_entry entry, const char *path,
			size_t size)
{
	const char *at = path, *end = path + size;
	uint32_t node;
	int r = 0;

	if (!entry_is_good(builder, &entry) || !size || *path != '/')
		return -EINVAL;
	node = builder->blocks[entry.block].path_root;
	while (r == 0 && at < end) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		size_t length = (size_t)((slash ? slash : end) - at);

		if (length > MF_POL_COMPONENT_MAX)
			return -EINVAL;
		r = descend_component(builder, at, length, &node);
		at += length + 1;
	}
	if (r == 0)
		policy_answer_add(&node_at(builder, node)->own, &entry);
	return r;
}

int policy_builder_abstract(struct policy_builder *builder, struct policy_entry entry,
			    const char *name, size_t size, bool any)
{
	uint32_t node;
	int r;

	if (!entry_is_good(builder, &entry) || size > MF_POL_ABSTRACT_MAX || (!size && !any))
		return -EINVAL;
	node = builder->blocks[entry.block].abstract_root;
	r = descend_component(builder, name, any ? 0 : size, &node);
	if (r == 0)
		policy_answer_add(&node_at(builder, node)->own, &entry);
	return r;
}

int policy_builder_escape(struct policy_builder *builder, struct policy_entry entry,
			  enum mf_pol_escape escape)
{
	struct mf_pol_block *block;
	struct mf_pol_escapes *escapes;
	void *item;
	int r;

	if (!entry_is_good(builder, &entry) || (unsigned)escape >= MF_POL_ESCAPE_MAX)
		return -EINVAL;
	block = &builder->blocks[entry.block];
	if (!block->escapes) {
		r = policy_array_add(&builder->escapes, &item);
		if (r)
			return r;
		block->escapes = (uint32_t)builder->escapes.count - 1;
	}
	escapes = (struct mf_pol_escapes *)builder->escapes.items + block->escapes;
	set_rule(entry.deny ? &escapes->deny_rule[escape] : &escapes->allow_rule[escape],
		 entry.rule);
	if (entry.deny)
		block->escape_deny |= 1U << escape;
	else
		block->escape_allow |= 1U << escape;
	return 0;
}

static int add_address(struct policy_builder *builder, const struct policy_entry *entry,
		       const struct policy_address *address, uint8_t length,
		       struct policy_ports ports)
{
	struct policy_addr_rule *rule;
	void *item;
	int r = entry->verbs ? policy_array_add(&builder->addrs, &item) : 0;

	if (r || !entry->verbs)
		return r;
	rule = item;
	rule->entry = *entry;
	rule->address = *address;
	rule->length = length;
	rule->ports = ports;
	return 0;
}

/*
 * What a wildcard bind listens on includes every address of this machine: a deny of one of them
 * is a deny of the wildcard. The IPv6 wildcard takes IPv4, too, unless IPV6_V6ONLY is set.
 */
static int deny_wildcards(struct policy_builder *builder, const struct policy_entry *entry,
			  uint8_t family, struct policy_ports ports)
{
	struct policy_entry listen = *entry;
	int r = 0;

	listen.verbs &= MF_POL_BIT(MF_POL_LISTEN);
	if (!entry->deny)
		return 0;
	if (family == 4)
		r = add_address(builder, &listen, &(struct policy_address){ 4, { 0 } }, 32, ports);
	return r ? r
		 : add_address(builder, &listen, &(struct policy_address){ 6, { 0 } }, 128, ports);
}

int policy_builder_address(struct policy_builder *builder, struct policy_entry entry,
			   const struct policy_prefix *prefix, struct policy_ports ports)
{
	struct policy_entry connect = entry, listen = entry;
	struct policy_address connected = prefix->address;
	unsigned bits = prefix->address.family == 4 ? 32 : 128;
	int r = 0;

	if (!entry_is_good(builder, &entry) || ports.first > ports.last ||
	    (!prefix->any && ((prefix->address.family != 4 && prefix->address.family != 6) ||
			      prefix->length > bits)))
		return -EINVAL;
	if (prefix->any) {
		for (uint8_t family = 4; r == 0 && family <= 6; family += 2)
			r = add_address(builder, &entry, &(struct policy_address){ family, { 0 } },
					0, ports);
		return r;
	}
	connect.verbs &= MF_POL_BIT(MF_POL_CONNECT);
	listen.verbs &= (uint8_t)~MF_POL_BIT(MF_POL_CONNECT);
	if (prefix->length == bits)
		policy_address_connected(&connected);
	r = add_address(builder, &connect, &connected, prefix->length, ports);
	if (r == 0)
		r = add_address(builder, &listen, &prefix->address, prefix->length, ports);
	return r ? r : deny_wildcards(builder, &entry, prefix->address.family, ports);
}

/* What holds above holds here, unless a nearer rule says the same. */
static void inherit(struct mf_pol_answer *answer, const struct mf_pol_answer *above)
{
	for (int verb = 0; verb < MF_POL_VERB_MAX; verb++) {
		if (!answer->allow_rule[verb])
			answer->allow_rule[verb] = above->allow_rule[verb];
		if (!answer->deny_rule[verb])
			answer->deny_rule[verb] = above->deny_rule[verb];
	}
	answer->allow |= above->allow;
	answer->deny |= above->deny;
}

/* Children come behind their parents, so one pass up and one down do. */
static void accumulate(struct policy_builder *builder)
{
	for (size_t i = builder->nodes.count - 1; i > 0; i--) {
		struct node *node = node_at(builder, (uint32_t)i), *above;

		above = node_at(builder, node->key.node);
		node->below |= node->own.deny;
		for (int verb = 0; verb < MF_POL_VERB_MAX; verb++) {
			if (node->own.deny_rule[verb])
				set_rule(&node->below_rule, node->own.deny_rule[verb]);
		}
		node->own.below = node->below;
		node->own.below_rule = node->below_rule;
		if (node->key.node && node->below) {
			above->below |= node->below;
			set_rule(&above->below_rule, node->below_rule);
		}
	}
	for (size_t i = 1; i < builder->nodes.count; i++) {
		struct node *node = node_at(builder, (uint32_t)i);

		if (node->key.node)
			inherit(&node->own, &node_at(builder, node->key.node)->own);
	}
}

static int place_answers(struct policy_builder *builder, struct policy_answers *answers)
{
	int r = policy_answers_add(answers, &(struct mf_pol_answer){ 0 }, &(uint32_t){ 0 });

	for (size_t i = 1; r == 0 && i < builder->nodes.count; i++) {
		struct node *node = node_at(builder, (uint32_t)i);

		if (node->key.node && !node->key.last)
			node->answer = node_at(builder, node->key.node)->answer;
		else
			r = policy_answers_add(answers, &node->own, &node->answer);
	}
	return r;
}

/* Roots first, then every node that something goes on from. Returns how many numbers there are. */
static uint32_t number_nodes(struct policy_builder *builder)
{
	uint32_t roots = 2 * builder->block_count, next = 1 + roots;

	for (uint32_t i = 1; i <= roots; i++)
		node_at(builder, i)->number = i;
	for (uint32_t i = 1 + roots; i < builder->nodes.count; i++) {
		struct node *above = node_at(builder, node_at(builder, i)->key.node);

		if (!above->number)
			above->number = UINT32_MAX; /* to be given */
	}
	for (uint32_t i = 1 + roots; i < builder->nodes.count; i++) {
		if (node_at(builder, i)->number)
			node_at(builder, i)->number = next++;
	}
	return next;
}

static int place_paths(struct policy_builder *builder, struct policy_built *built)
{
	uint32_t first = 1 + 2 * builder->block_count;
	size_t count = builder->nodes.count - first;
	_cleanup_free_ struct mf_pol_path *entries = calloc(count ? count : 1, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	built->node_count = number_nodes(builder);
	for (uint32_t i = 0; i < count; i++) {
		const struct node *node = node_at(builder, first + i);

		entries[i] = (struct mf_pol_path){ node->key, node->number, node->answer };
		entries[i].key.node = node_at(builder, node->key.node)->number;
	}
	return policy_slots_paths(entries, count, &built->paths, &built->path_seed);
}

int policy_builder_finish(struct policy_builder *builder, struct policy_built *ret_built)
{
	struct policy_built *built = ret_built;
	_cleanup_(policy_answers_free) struct policy_answers answers = { .array = &built->answers };
	int r;

	built->answers = (struct policy_array){ .item_size = sizeof(struct mf_pol_answer),
						.max = MF_POL_NODES_MAX };
	accumulate(builder);
	r = place_answers(builder, &answers);
	if (r == 0)
		r = place_paths(builder, built);
	for (uint32_t i = 0; r == 0 && i < builder->block_count; i++) {
		struct mf_pol_block *block = &builder->blocks[i];

		block->path_answer = node_at(builder, block->path_root)->answer;
		block->abstract_answer = node_at(builder, block->abstract_root)->answer;
	}
	built->blocks = take_ptr(builder->blocks);
	built->block_count = builder->block_count;
	built->escapes = builder->escapes;
	builder->escapes = (struct policy_array){ 0 };
	return r ? r : policy_build_addresses(&builder->addrs, &answers, built);
}

void policy_built_free(struct policy_built *built)
{
	free(built->blocks);
	policy_array_free(&built->paths);
	policy_array_free(&built->addrs);
	policy_array_free(&built->ports);
	policy_array_free(&built->classes);
	policy_array_free(&built->answers);
	policy_array_free(&built->escapes);
}

int policy_builder_grants(struct policy_builder *builder, uint32_t rule_count,
			  struct buf *ret_image)
{
	_cleanup_(policy_built_free) struct policy_built built = { 0 };
	const struct mf_pol_head head = { .flags = MF_POL_GRANTS, .rule_count = rule_count };
	int r;

	if (builder->block_count != 1)
		return -EINVAL;
	builder->blocks[0].kind = MF_POL_BLOCK_GRANTS;
	r = policy_builder_finish(builder, &built);
	return r ? r : policy_image_write(&head, &built, NULL, ret_image);
}
