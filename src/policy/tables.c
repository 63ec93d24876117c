/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/tables.h"

#include "policy/slots.h"

static const void *section(const struct mf_pol_head *head, enum mf_pol_section index,
			   uint32_t *ret_count)
{
	*ret_count = head->section[index].count;
	return (const uint8_t *)head + head->section[index].offset;
}

void policy_view(const void *bytes, struct policy *ret_policy)
{
	const struct mf_pol_head *head = bytes;
	struct policy *p = ret_policy;

	p->bytes = bytes;
	p->head = head;
	p->blocks = section(head, MF_POL_SEC_BLOCKS, &p->block_count);
	p->paths = section(head, MF_POL_SEC_PATHS, &p->path_slots);
	p->addrs = section(head, MF_POL_SEC_ADDRS, &p->addr_slots);
	p->ports = section(head, MF_POL_SEC_PORTS, &p->port_slots);
	p->classes = section(head, MF_POL_SEC_CLASSES, &p->class_count);
	p->answers = section(head, MF_POL_SEC_ANSWERS, &p->answer_count);
	p->escapes = section(head, MF_POL_SEC_ESCAPES, &p->escapes_count);
	p->rules = section(head, MF_POL_SEC_RULES, &p->rule_count);
	p->files = section(head, MF_POL_SEC_FILES, &p->file_count);
	p->tools = section(head, MF_POL_SEC_TOOLS, &p->tool_count);
	p->templates = section(head, MF_POL_SEC_TEMPLATES, &p->template_count);
	p->hosts = section(head, MF_POL_SEC_HOSTS, &p->host_count);
	p->host_addrs = section(head, MF_POL_SEC_HOST_ADDRS, &p->host_addr_count);
	p->text = section(head, MF_POL_SEC_TEXT, &p->text_size);
}

/* As tools are sorted: by bytes, a shorter one first; of one name, the exact one first. */
static int compare_tool(const struct policy *policy, const struct mf_pol_tool *tool,
			const void *name, size_t size, uint32_t kind)
{
	size_t least = tool->name.size < size ? tool->name.size : size;
	int r = least ? memcmp(policy->text + tool->name.offset, name, least) : 0;

	if (!r)
		r = (tool->name.size > size) - (tool->name.size < size);
	return r ? r : (tool->kind > kind) - (tool->kind < kind);
}

static const struct mf_pol_tool *find_tool(const struct policy *policy, const void *name,
					   size_t size, uint32_t kind)
{
	uint32_t low = 0, high = policy->tool_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int r = compare_tool(policy, &policy->tools[middle], name, size, kind);

		if (r == 0)
			return &policy->tools[middle];
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

uint32_t policy_tool_block(const struct policy *policy, const void *name, size_t size)
{
	const struct mf_pol_tool *tool = find_tool(policy, name, size, MF_POL_TOOL_EXACT);
	const char *bytes = name;

	/* a prefix ends in a slash, or is empty */
	for (size_t end = size; !tool && end > 0; end--) {
		if (bytes[end - 1] == '/')
			tool = find_tool(policy, name, end, MF_POL_TOOL_PREFIX);
	}
	if (!tool)
		tool = find_tool(policy, "", 0, MF_POL_TOOL_PREFIX);
	return tool ? tool->block : MF_POL_DEFAULT;
}

/*
 * Goes down from *node by one component. Returns whether there is an entry for it; *answer is what
 * holds there. *node 0: nothing goes on from here.
 */
static bool descend(const struct policy *policy, const char *name, size_t size, uint32_t *node,
		    uint32_t *answer)
{
	while (size) {
		size_t taken = size > MF_POL_CHUNK ? MF_POL_CHUNK : size;
		const struct slots_key key = slots_key(*node, name, taken, taken == size);
		const struct mf_pol_path *slot;

		if (!*node)
			return false;
		slot = slots_path(policy->paths, policy->path_slots, policy->head->path_seed, &key);
		if (!slot)
			return false;
		*node = slot->child;
		if (taken == size)
			*answer = slot->answer;
		name += taken;
		size -= taken;
	}
	return true;
}

const struct mf_pol_answer *policy_path_answer(const struct policy *policy, uint32_t block,
					       const char *path, size_t size, bool *ret_exact)
{
	uint32_t node = policy->blocks[block].path_root;
	uint32_t answer = policy->blocks[block].path_answer;
	const char *at = path, *end = path + size;
	bool found = true;

	while (found && at < end) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		size_t length = (size_t)((slash ? slash : end) - at);

		found = descend(policy, at, length, &node, &answer);
		at += length + 1;
	}
	if (ret_exact)
		*ret_exact = found;
	return &policy->answers[answer];
}

const struct mf_pol_answer *policy_abstract_answer(const struct policy *policy, uint32_t block,
						   const char *name, size_t size)
{
	uint32_t node = policy->blocks[block].abstract_root;
	uint32_t answer = policy->blocks[block].abstract_answer;

	descend(policy, name, size, &node, &answer);
	return &policy->answers[answer];
}

static void cut_bits(uint8_t *bytes, size_t size, uint32_t length)
{
	for (size_t i = 0; i<size; i++, length = length> 8 ? length - 8 : 0) {
		if (length < 8)
			bytes[i] &= (uint8_t)(0xff00U >> length);
	}
}

/* The greatest length of the bitmap that is not over `length`; -1: none. */
static int length_at_most(const uint8_t *lengths, int length)
{
	for (int word = length / 64; length >= 0; word--, length = word * 64 + 63) {
		uint64_t bits = slots_word(lengths + 8 * word);

		bits &= ~0ULL >> (63 - length % 64);
		if (bits)
			return word * 64 + 63 - __builtin_clzll(bits);
	}
	return -1;
}

static uint32_t address_class(const struct policy *policy, uint32_t block, uint32_t family,
			      const uint8_t *addr)
{
	const uint8_t *lengths = family == 4 ? policy->blocks[block].prefix4
					     : policy->blocks[block].prefix6;
	struct mf_pol_addr_key key = { .block = block, .family = family };
	int length = length_at_most(lengths, family == 4 ? 32 : 128);

	memcpy(key.addr, addr, family == 4 ? 4 : 16);
	while (length >= 0) {
		const struct mf_pol_addr *slot;

		cut_bits(key.addr, sizeof(key.addr), (uint32_t)length);
		slot = slots_addr(policy->addrs, policy->addr_slots, policy->head->addr_seed, &key,
				  (uint32_t)length);
		if (slot)
			return slot->class;
		length = length_at_most(lengths, length - 1);
	}
	return 0;
}

const struct mf_pol_answer *policy_address_answer(const struct policy *policy, uint32_t block,
						  uint32_t family, const uint8_t *addr,
						  uint16_t port)
{
	uint32_t class = address_class(policy, block, family, addr);
	uint32_t lengths = class ? policy->classes[class].lengths : 0;

	while (lengths) {
		int length = 31 - __builtin_clz(lengths);
		struct mf_pol_port_key key = { .class = class, .length = (uint8_t)length };
		uint32_t cut = port & (0xffff0000U >> length);
		const struct mf_pol_port *slot;

		key.port[0] = (uint8_t)(cut >> 8);
		key.port[1] = (uint8_t)cut;
		slot = slots_port(policy->ports, policy->port_slots, policy->head->port_seed, &key);
		if (slot)
			return &policy->answers[slot->answer];
		lengths ^= 1U << length;
	}
	return &policy->answers[0];
}

const struct mf_pol_rule *policy_rule(const struct policy *policy, uint32_t rule)
{
	return rule && rule < policy->rule_count ? &policy->rules[rule] : NULL;
}

const char *policy_text(const struct policy *policy, struct mf_pol_text text, size_t *ret_size)
{
	*ret_size = text.size;
	return policy->text + text.offset;
}
