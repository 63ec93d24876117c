/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes that anybody may have made. Each check is a line of abi/policy.h that a look-up, the engine
 * or a reader of rules relies on.
 */

#include <errno.h>

#include "policy/image.h"
#include "policy/slots.h"
#include "policy/tables.h"

static bool head_is_sound(const struct mf_pol_head *head, size_t size)
{
	return head->magic == MF_POL_MAGIC && head->head_size == sizeof(*head) &&
	       head->size == size && !(head->flags & ~(MF_POL_HAS_BASE | MF_POL_GRANTS)) &&
	       head->node_count && head->node_count <= MF_POL_NODES_MAX &&
	       head->rule_count <= MF_POL_RULES_MAX && head->ceiling_count <= MF_POL_CEILINGS_MAX;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

/* Section behind section, none of them over another, nothing but zeros between. */
static bool sections_are_sound(const struct mf_pol_head *head)
{
	const uint8_t *bytes = (const uint8_t *)head;
	uint64_t offset = sizeof(*head);

	for (size_t i = 0; i < MF_POL_SEC_MAX; i++) {
		uint64_t end = offset + (uint64_t)head->section[i].count * policy_section_item[i];
		uint64_t next = (end + 7) / 8 * 8;

		if (head->section[i].offset != offset || next > head->size ||
		    !is_zero(bytes + end, next - end))
			return false;
		offset = next;
	}
	return offset == head->size;
}

static bool is_slot_count(uint32_t count)
{
	return !(count & (count - 1)); /* 0, too */
}

static bool counts_are_sound(const struct policy *p)
{
	bool grants = p->head->flags & MF_POL_GRANTS;

	if (!is_slot_count(p->path_slots) || !is_slot_count(p->addr_slots) ||
	    !is_slot_count(p->port_slots) || !p->class_count || !p->answer_count ||
	    !p->escapes_count)
		return false;
	if (grants)
		return p->block_count == 1 && !p->rule_count && !p->file_count && !p->tool_count &&
		       !p->template_count && !p->host_count && !p->host_addr_count &&
		       !p->text_size && !p->head->ceiling_count &&
		       !(p->head->flags & MF_POL_HAS_BASE);
	return p->block_count >= 2 && p->block_count <= MF_POL_BLOCKS_MAX &&
	       p->rule_count == p->head->rule_count && p->rule_count && p->file_count;
}

static bool text_is_sound(const struct policy *p, struct mf_pol_text text)
{
	return text.offset <= p->text_size && text.size <= p->text_size - text.offset;
}

static bool lengths_are_sound(const struct mf_pol_block *block)
{
	return is_zero(&block->prefix4[5], 3) && !(block->prefix4[4] & ~1U) &&
	       is_zero(&block->prefix6[17], 7) && !(block->prefix6[16] & ~1U);
}

static uint32_t expected_kind(const struct policy *p, uint32_t block)
{
	if (p->head->flags & MF_POL_GRANTS)
		return MF_POL_BLOCK_GRANTS;
	if (block == MF_POL_BASE)
		return MF_POL_BLOCK_BASE;
	if (block == MF_POL_DEFAULT)
		return MF_POL_BLOCK_DEFAULT;
	for (uint32_t i = 0; i < p->head->ceiling_count; i++) {
		if (p->head->ceilings[i] == block)
			return MF_POL_BLOCK_CEILING;
	}
	return MF_POL_BLOCK_TOOL;
}

static bool blocks_are_sound(const struct policy *p)
{
	for (uint32_t i = 0; i < p->block_count; i++) {
		const struct mf_pol_block *block = &p->blocks[i];

		if (block->path_root != 1 + 2 * i || block->abstract_root != 2 + 2 * i ||
		    block->abstract_root >= p->head->node_count ||
		    block->path_answer >= p->answer_count ||
		    block->abstract_answer >= p->answer_count ||
		    block->escapes >= p->escapes_count || block->mode > MF_POL_ENFORCE ||
		    block->kind != expected_kind(p, i) || !lengths_are_sound(block) ||
		    block->escape_allow >> MF_POL_ESCAPE_MAX ||
		    block->escape_deny >> MF_POL_ESCAPE_MAX ||
		    (block->rule && block->rule >= p->head->rule_count) || block->pad[0] ||
		    block->pad[1])
			return false;
		/* an argument names objects; it never is a way out */
		if (p->head->flags & MF_POL_GRANTS && (block->escape_allow || block->escape_deny))
			return false;
	}
	for (uint32_t i = 0; i < MF_POL_CEILINGS_MAX; i++) {
		uint32_t block = p->head->ceilings[i];

		if (i < p->head->ceiling_count ? block < 2 || block >= p->block_count : block != 0)
			return false;
	}
	return true;
}

static bool rule_is_sound(const struct policy *p, uint32_t rule, bool set)
{
	return set ? rule && rule < p->head->rule_count : rule == 0;
}

static bool answers_are_sound(const struct policy *p)
{
	if (!is_zero((const uint8_t *)p->answers, sizeof(*p->answers)))
		return false;
	for (uint32_t i = 0; i < p->answer_count; i++) {
		const struct mf_pol_answer *answer = &p->answers[i];

		if ((answer->allow | answer->deny | answer->below) >> MF_POL_VERB_MAX ||
		    answer->pad || !rule_is_sound(p, answer->below_rule, answer->below))
			return false;
		for (int verb = 0; verb < MF_POL_VERB_MAX; verb++) {
			uint32_t bit = MF_POL_BIT(verb);

			if (!rule_is_sound(p, answer->allow_rule[verb], answer->allow & bit) ||
			    !rule_is_sound(p, answer->deny_rule[verb], answer->deny & bit))
				return false;
		}
	}
	return true;
}

static bool escapes_are_sound(const struct policy *p)
{
	if (!is_zero((const uint8_t *)p->escapes, sizeof(*p->escapes)))
		return false;
	for (uint32_t i = 0; i < p->block_count; i++) {
		const struct mf_pol_block *block = &p->blocks[i];
		const struct mf_pol_escapes *escapes = &p->escapes[block->escapes];

		for (int bit = 0; bit < MF_POL_ESCAPE_MAX; bit++) {
			if (!rule_is_sound(p, escapes->allow_rule[bit],
					   block->escape_allow & 1U << bit) ||
			    !rule_is_sound(p, escapes->deny_rule[bit],
					   block->escape_deny & 1U << bit))
				return false;
		}
	}
	return true;
}

static bool path_is_sound(const struct policy *p, const struct mf_pol_path *slot)
{
	const struct mf_pol_path_key *key = &slot->key;

	return key->node < p->head->node_count && key->size && key->size <= MF_POL_CHUNK &&
	       key->last <= 1 && (key->last || key->size == MF_POL_CHUNK) && !key->pad &&
	       is_zero(key->bytes + key->size, MF_POL_CHUNK - key->size) &&
	       slot->child < p->head->node_count && slot->answer < p->answer_count &&
	       (slot->child ? slot->child > key->node : key->last);
}

/*
 * Every node but the roots is led to by one entry, and comes behind the one that it is led to
 * from: a tree, in which a walk ends.
 */
static int check_paths(const struct policy *p)
{
	_cleanup_free_ uint8_t *led_to = calloc(p->head->node_count, 1);
	uint32_t roots = 2 * p->block_count, led = 0;

	if (!led_to)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->path_slots; i++) {
		const struct mf_pol_path *slot = &p->paths[i];
		const struct slots_key key = slots_key_of(&slot->key);

		if (!slot->key.node) {
			if (!is_zero((const uint8_t *)slot, sizeof(*slot)))
				return -EBADMSG;
			continue;
		}
		led += slot->child != 0;
		if (!path_is_sound(p, slot) ||
		    (slot->child && (slot->child <= roots || led_to[slot->child]++)) ||
		    slots_path(p->paths, p->path_slots, p->head->path_seed, &key) != slot)
			return -EBADMSG;
	}
	return led == p->head->node_count - 1 - roots ? 0 : -EBADMSG;
}

static bool has_bits_behind(const uint8_t *bytes, size_t size, uint32_t length)
{
	if (length % 8 && bytes[length / 8] & (0xffU >> length % 8))
		return true;
	return !is_zero(bytes + (length + 7) / 8, size - (length + 7) / 8);
}

static bool addr_is_sound(const struct policy *p, const struct mf_pol_addr *slot)
{
	uint32_t max = slot->key.family == 4 ? 32 : 128, length = slot->length;
	const uint8_t *lengths;

	if (slot->key.block >= p->block_count || (slot->key.family != 4 && slot->key.family != 6) ||
	    length > max || !slot->class || slot->class >= p->class_count ||
	    has_bits_behind(slot->key.addr, sizeof(slot->key.addr), length))
		return false;
	lengths = slot->key.family == 4 ? p->blocks[slot->key.block].prefix4
					: p->blocks[slot->key.block].prefix6;
	return lengths[length / 8] & 1U << length % 8 &&
	       slots_addr(p->addrs, p->addr_slots, p->head->addr_seed, &slot->key, length) == slot;
}

static bool addrs_are_sound(const struct policy *p)
{
	for (uint32_t i = 0; i < p->addr_slots; i++) {
		const struct mf_pol_addr *slot = &p->addrs[i];

		if (slot->key.family ? !addr_is_sound(p, slot)
				     : !is_zero((const uint8_t *)slot, sizeof(*slot)))
			return false;
	}
	return true;
}

static bool port_is_sound(const struct policy *p, const struct mf_pol_port *slot)
{
	const struct mf_pol_port_key *key = &slot->key;

	return key->class < p->class_count && key->length <= 16 && !key->pad && !slot->pad &&
	       !has_bits_behind(key->port, sizeof(key->port), key->length) &&
	       slot->answer < p->answer_count &&
	       p->classes[key->class].lengths & 1U << key->length &&
	       slots_port(p->ports, p->port_slots, p->head->port_seed, key) == slot;
}

static bool ports_are_sound(const struct policy *p)
{
	for (uint32_t i = 0; i < p->class_count; i++) {
		if (p->classes[i].lengths >> 17)
			return false;
	}
	for (uint32_t i = 0; i < p->port_slots; i++) {
		const struct mf_pol_port *slot = &p->ports[i];

		if (slot->key.class ? !port_is_sound(p, slot)
				    : !is_zero((const uint8_t *)slot, sizeof(*slot)))
			return false;
	}
	return true;
}

static bool rules_are_sound(const struct policy *p)
{
	for (uint32_t i = 0; i < p->file_count; i++) {
		if (!text_is_sound(p, p->files[i]))
			return false;
	}
	for (uint32_t i = 1; i < p->rule_count; i++) {
		const struct mf_pol_rule *rule = &p->rules[i];

		if (rule->file >= p->file_count || rule->block >= p->block_count || rule->pad ||
		    !text_is_sound(p, rule->text))
			return false;
	}
	return !p->rule_count || is_zero((const uint8_t *)p->rules, sizeof(*p->rules));
}

/* -1, 0 or 1, as the tools are to be sorted. */
static int compare_tools(const struct policy *p, const struct mf_pol_tool *a,
			 const struct mf_pol_tool *b)
{
	size_t least = a->name.size < b->name.size ? a->name.size : b->name.size;
	int r = least ? memcmp(p->text + a->name.offset, p->text + b->name.offset, least) : 0;

	if (!r)
		r = (a->name.size > b->name.size) - (a->name.size < b->name.size);
	return r ? r : (a->kind > b->kind) - (a->kind < b->kind);
}

static bool tools_are_sound(const struct policy *p)
{
	for (uint32_t i = 0; i < p->tool_count; i++) {
		const struct mf_pol_tool *tool = &p->tools[i];

		if (!text_is_sound(p, tool->name) || tool->kind > MF_POL_TOOL_PREFIX ||
		    tool->block >= p->block_count ||
		    p->blocks[tool->block].kind != MF_POL_BLOCK_TOOL)
			return false;
		if (i && compare_tools(p, tool - 1, tool) >= 0)
			return false;
	}
	return true;
}

static bool templates_are_sound(const struct policy *p)
{
	for (uint32_t i = 0; i < p->template_count; i++) {
		const struct mf_pol_template *t = &p->templates[i];

		if (t->block >= p->block_count || !rule_is_sound(p, t->rule, true) || !t->verbs ||
		    t->verbs >> MF_POL_VERB_MAX || t->deny > 1 || !t->kind ||
		    t->kind > MF_POL_TEMPLATE_UNIX || !is_zero(t->pad, sizeof(t->pad)) ||
		    !text_is_sound(p, t->before) || !text_is_sound(p, t->argument) ||
		    !t->argument.size || !text_is_sound(p, t->after) ||
		    (i && t[-1].block > t->block))
			return false;
	}
	return true;
}

static bool hosts_are_sound(const struct policy *p)
{
	for (uint32_t i = 0; i < p->host_count; i++) {
		const struct mf_pol_host *host = &p->hosts[i];

		if (!text_is_sound(p, host->name) || !rule_is_sound(p, host->rule, true) ||
		    host->first > p->host_addr_count ||
		    host->count > p->host_addr_count - host->first ||
		    host->verbs >> MF_POL_VERB_MAX || host->port_first > host->port_last ||
		    host->deny > 1)
			return false;
	}
	for (uint32_t i = 0; i < p->host_addr_count; i++) {
		if ((p->host_addrs[i].family != 4 && p->host_addrs[i].family != 6) ||
		    p->host_addrs[i].pad)
			return false;
	}
	return true;
}

static int refuse(const char **ret_reason, const char *reason, int error)
{
	if (ret_reason)
		*ret_reason = reason;
	return error;
}

int policy_validate(const void *bytes, size_t size, struct policy *ret_policy,
		    const char **ret_reason)
{
	static const struct {
		bool (*is_sound)(const struct policy *policy);
		const char *reason;
	} checks[] = {
		/* each relies on those before it */
		{ counts_are_sound, "a section has a count that it cannot have" },
		{ blocks_are_sound, "a block is malformed" },
		{ answers_are_sound, "an answer is malformed" },
		{ escapes_are_sound, "the escapes are malformed" },
		{ addrs_are_sound, "the addresses are malformed" },
		{ ports_are_sound, "the ports are malformed" },
		{ rules_are_sound, "a rule is malformed" },
		{ tools_are_sound, "the tools are malformed or not sorted" },
		{ templates_are_sound, "a template is malformed" },
		{ hosts_are_sound, "a host is malformed" },
	};
	const struct mf_pol_head *head = bytes;
	struct policy policy;
	int r;

	if ((uintptr_t)bytes % 8)
		return refuse(ret_reason, "the bytes are not aligned", -EINVAL);
	if (size < sizeof(*head) || size > MF_POL_SIZE_MAX || head->magic != MF_POL_MAGIC)
		return refuse(ret_reason, "this is no compiled policy", -EBADMSG);
	if (head->version != MF_POL_VERSION)
		return refuse(ret_reason, "this compiled policy is of another version", -EPROTO);
	if (!head_is_sound(head, size) || !sections_are_sound(head))
		return refuse(ret_reason, "head and size do not fit", -EBADMSG);
	policy_view(bytes, &policy);
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		if (!checks[i].is_sound(&policy))
			return refuse(ret_reason, checks[i].reason, -EBADMSG);
	}
	r = check_paths(&policy);
	if (r == -EBADMSG)
		return refuse(ret_reason, "the paths are malformed", r);
	if (r == 0)
		*ret_policy = policy;
	return r;
}
