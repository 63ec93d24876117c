/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "policy/build.h"

static const char text[] = "version 1\n"
			   "default audit\n"
			   "ceiling\n"
			   "  write /\n"
			   "base\n"
			   "  read /usr/lib\n"
			   "tool a\n"
			   "  read ${arg.path}\n"
			   "  deny /usr/lib/a-name-of-more-than-thirty-two-bytes/x\n"
			   "  connect 10.0.0.0/9:1-1000\n"
			   "  connect localhost:80\n"
			   "  allow ptrace\n"
			   "tool b/*\n"
			   "  write /tmp\n"
			   "  connect ${arg.u}\n";

/* A good image that a test may change. */
struct image {
	struct made made;
	uint8_t *bytes;
	size_t size;
	struct policy policy; /* a view of `bytes` */
};

static void start(struct image *image)
{
	*image = (struct image){ 0 };
	make(text, &image->made);
	image->size = buf_size(&image->made.image);
	image->bytes = malloc(image->size);
	memcpy(image->bytes, buf_bytes(&image->made.image), image->size);
	policy_view(image->bytes, &image->policy);
}

static void image_free(struct image *image)
{
	free(image->bytes);
	made_free(&image->made);
}

/* The reason why the image is refused, or "good". */
static const char *verdict(const struct image *image)
{
	const char *reason = "no reason";
	struct policy policy;

	return policy_validate(image->bytes, image->size, &policy, &reason) ? reason : "good";
}

static uint8_t *section(struct image *image, enum mf_pol_section index)
{
	return image->bytes + image->policy.head->section[index].offset;
}

/* Puts `value` at `offset` of the item, asks, and puts back what was there. */
static void refused_at(struct image *image, void *at, size_t size, uint64_t value,
		       const char *expected)
{
	uint64_t before = 0;
	const char *said;

	memcpy(&before, at, size);
	assert_int_not_equal(before, value);
	memcpy(at, &value, size);
	said = verdict(image);
	memcpy(at, &before, size);
	assert_string_equal(said, expected);
	assert_string_equal(verdict(image), "good");
}

#define REFUSED(image, field, value, expected) \
	refused_at(image, (void *)(uintptr_t) & (field), sizeof(field), (uint64_t)(value), expected)

static void bytes_that_are_no_policy_are_refused(void **state)
{
	_cleanup_(image_free) struct image image;
	struct mf_pol_head *head;
	struct policy policy;
	const char *reason = "";

	start(&image);
	head = (void *)image.bytes;
	assert_string_equal(verdict(&image), "good");
	assert_int_equal(policy_validate(image.bytes + 1, image.size - 1, &policy, &reason),
			 -EINVAL);
	assert_int_equal(policy_validate(image.bytes, 10, &policy, NULL), -EBADMSG);
	assert_int_equal(policy_validate(image.bytes, image.size - 8, &policy, &reason), -EBADMSG);
	REFUSED(&image, head->magic, 1, "this is no compiled policy");
	REFUSED(&image, head->version, 2, "this compiled policy is of another version");
	REFUSED(&image, head->head_size, 8, "head and size do not fit");
	REFUSED(&image, head->size, 8, "head and size do not fit");
	REFUSED(&image, head->flags, 4, "head and size do not fit");
	REFUSED(&image, head->node_count, 0, "head and size do not fit");
	REFUSED(&image, head->node_count, UINT32_MAX, "head and size do not fit");
	REFUSED(&image, head->ceiling_count, 5, "head and size do not fit");
	REFUSED(&image, head->rule_count, UINT32_MAX, "head and size do not fit");
	REFUSED(&image, head->section[3].offset, 8, "head and size do not fit");
	REFUSED(&image, head->section[3].count, UINT32_MAX, "head and size do not fit");
	REFUSED(&image, head->section[MF_POL_SEC_TEXT].count, 1, "head and size do not fit");
}

static void counts_that_cannot_be_are_refused(void **state)
{
	static const char expected[] = "a section has a count that it cannot have";
	_cleanup_(image_free) struct image image;
	struct mf_pol_head *head;

	start(&image);
	head = (void *)image.bytes;
	REFUSED(&image, head->rule_count, 3, expected);
	REFUSED(&image, head->flags, MF_POL_GRANTS, expected);
}

static void malformed_blocks_are_refused(void **state)
{
	static const char expected[] = "a block is malformed";
	_cleanup_(image_free) struct image image;
	struct mf_pol_block *blocks;
	struct mf_pol_head *head;

	start(&image);
	head = (void *)image.bytes;
	blocks = (void *)section(&image, MF_POL_SEC_BLOCKS);
	REFUSED(&image, blocks[0].path_root, 3, expected);
	REFUSED(&image, blocks[1].abstract_root, 2, expected);
	REFUSED(&image, blocks[0].path_answer, UINT32_MAX, expected);
	REFUSED(&image, blocks[0].abstract_answer, UINT32_MAX, expected);
	REFUSED(&image, blocks[0].escapes, 99, expected);
	REFUSED(&image, blocks[0].mode, 3, expected);
	REFUSED(&image, blocks[0].kind, MF_POL_BLOCK_TOOL, expected);
	REFUSED(&image, blocks[2].kind, MF_POL_BLOCK_TOOL, expected);
	REFUSED(&image, blocks[3].kind, MF_POL_BLOCK_CEILING, expected);
	REFUSED(&image, blocks[3].escape_allow, 1U << 16, expected);
	REFUSED(&image, blocks[3].escape_deny, 1U << 31, expected);
	REFUSED(&image, blocks[3].rule, 10000, expected);
	REFUSED(&image, blocks[3].prefix4[4], 2, expected);
	REFUSED(&image, blocks[3].prefix4[5], 1, expected);
	REFUSED(&image, blocks[3].prefix6[17], 1, expected);
	REFUSED(&image, blocks[3].pad[1], 1, expected);
	REFUSED(&image, head->ceilings[0], 1, expected);
	REFUSED(&image, head->ceilings[0], 100, expected);
	REFUSED(&image, head->ceilings[1], 2, expected);
}

static void malformed_answers_and_escapes_are_refused(void **state)
{
	static const char answer[] = "an answer is malformed";
	_cleanup_(image_free) struct image image;
	struct mf_pol_answer *answers;
	struct mf_pol_escapes *escapes;
	struct mf_pol_block *blocks;
	uint32_t last;

	start(&image);
	answers = (void *)section(&image, MF_POL_SEC_ANSWERS);
	escapes = (void *)section(&image, MF_POL_SEC_ESCAPES);
	blocks = (void *)section(&image, MF_POL_SEC_BLOCKS);
	last = image.policy.answer_count - 1;
	REFUSED(&image, answers[0].allow, 1, answer);
	REFUSED(&image, answers[last].allow, 0x20, answer);
	REFUSED(&image, answers[last].allow, answers[last].allow ^ 0x1f, answer);
	REFUSED(&image, answers[last].deny, answers[last].deny ^ 0x1f, answer);
	REFUSED(&image, answers[last].below, 1, answer);
	REFUSED(&image, answers[last].pad, 1, answer);
	REFUSED(&image, answers[last].below_rule, 1, answer);
	REFUSED(&image, answers[last].allow_rule[MF_POL_EXEC], 10000, answer);
	REFUSED(&image, escapes[0].allow_rule[0], 1, "the escapes are malformed");
	REFUSED(&image, escapes[1].deny_rule[0], 1, "the escapes are malformed");
	REFUSED(&image, escapes[1].allow_rule[MF_POL_PTRACE], 0, "the escapes are malformed");
	REFUSED(&image, blocks[3].escape_deny, 1, "the escapes are malformed");
}

static struct mf_pol_path *used_path(struct image *image, bool inner)
{
	struct mf_pol_path *slots = (void *)section(image, MF_POL_SEC_PATHS);

	for (uint32_t i = 0; i < image->policy.path_slots; i++) {
		if (slots[i].key.node && inner == (slots[i].child != 0) && slots[i].key.last)
			return &slots[i];
	}
	fail();
	return NULL;
}

static void malformed_paths_are_refused(void **state)
{
	static const char expected[] = "the paths are malformed";
	_cleanup_(image_free) struct image image;
	struct mf_pol_path *leaf, *inner, *slots, *empty, *chunk = NULL;
	struct mf_pol_head *head;

	start(&image);
	head = (void *)image.bytes;
	leaf = used_path(&image, false);
	inner = used_path(&image, true);
	slots = (void *)section(&image, MF_POL_SEC_PATHS);
	for (empty = slots; empty->key.node; empty++)
		;
	for (uint32_t i = 0; i < image.policy.path_slots; i++) {
		if (slots[i].key.node && !slots[i].key.last)
			chunk = &slots[i];
	}
	assert_non_null(chunk);
	REFUSED(&image, leaf->key.node, UINT32_MAX, expected);
	REFUSED(&image, leaf->key.size, 0, expected);
	REFUSED(&image, leaf->key.size, 33, expected);
	REFUSED(&image, leaf->key.last, 2, expected);
	REFUSED(&image, leaf->key.last, 0, expected);
	REFUSED(&image, leaf->key.pad, 1, expected);
	REFUSED(&image, leaf->key.bytes[31], 1, expected);
	REFUSED(&image, leaf->key.bytes[0], 1, expected); /* not where its hash leads */
	REFUSED(&image, leaf->answer, UINT32_MAX, expected);
	REFUSED(&image, leaf->child, UINT32_MAX, expected);
	REFUSED(&image, leaf->child, inner->child, expected);
	REFUSED(&image, inner->child, 1, expected); /* a root */
	REFUSED(&image, inner->child, 0, expected); /* then a node is led to by nothing */
	REFUSED(&image, inner->child, inner->key.node, expected);
	REFUSED(&image, chunk->child, 0, expected);
	REFUSED(&image, empty->answer, 1, expected);
	REFUSED(&image, head->path_seed, 12345, expected);
}

static void malformed_addresses_and_ports_are_refused(void **state)
{
	static const char expected[] = "the addresses are malformed",
			  port[] = "the ports are malformed";
	_cleanup_(image_free) struct image image;
	struct mf_pol_addr *addr, *no_addr;
	struct mf_pol_port *entry, *no_port;
	struct mf_pol_class *classes;

	start(&image);
	classes = (void *)section(&image, MF_POL_SEC_CLASSES);
	for (addr = (void *)section(&image, MF_POL_SEC_ADDRS); addr->length != 9; addr++)
		;
	for (no_addr = (void *)section(&image, MF_POL_SEC_ADDRS); no_addr->key.family; no_addr++)
		;
	for (entry = (void *)section(&image, MF_POL_SEC_PORTS); !entry->key.class; entry++)
		;
	for (no_port = (void *)section(&image, MF_POL_SEC_PORTS); no_port->key.class; no_port++)
		;
	REFUSED(&image, addr->key.block, 99, expected);
	REFUSED(&image, addr->key.family, 5, expected);
	REFUSED(&image, addr->length, 33, expected);
	REFUSED(&image, addr->length, 10, expected);
	REFUSED(&image, addr->class, 0, expected);
	REFUSED(&image, addr->class, 99, expected);
	REFUSED(&image, addr->key.addr[1], 1, expected);
	REFUSED(&image, addr->key.addr[5], 1, expected);
	REFUSED(&image, addr->key.addr[0], 11, expected);
	REFUSED(&image, no_addr->class, 1, expected);
	REFUSED(&image, classes[1].lengths, 1U << 17, port);
	REFUSED(&image, classes[entry->key.class].lengths, 0, port);
	REFUSED(&image, entry->key.class, 99, port);
	REFUSED(&image, entry->key.length, 17, port);
	REFUSED(&image, entry->key.pad, 1, port);
	REFUSED(&image, entry->pad, 1, port);
	REFUSED(&image, entry->answer, UINT32_MAX, port);
	REFUSED(&image, entry->key.port[0], 0xff, port);
	REFUSED(&image, no_port->answer, 1, port);
}

static void malformed_names_and_texts_are_refused(void **state)
{
	_cleanup_(image_free) struct image image;
	struct mf_pol_rule *rules;
	struct mf_pol_text *files;
	struct mf_pol_tool *tools;
	struct mf_pol_template *templates;
	const char *later;

	start(&image);
	rules = (void *)section(&image, MF_POL_SEC_RULES);
	files = (void *)section(&image, MF_POL_SEC_FILES);
	tools = (void *)section(&image, MF_POL_SEC_TOOLS);
	templates = (void *)section(&image, MF_POL_SEC_TEMPLATES);
	REFUSED(&image, files[0].offset, UINT32_MAX, "a rule is malformed");
	REFUSED(&image, files[0].size, UINT32_MAX, "a rule is malformed");
	REFUSED(&image, rules[0].line, 1, "a rule is malformed");
	REFUSED(&image, rules[1].file, 9, "a rule is malformed");
	REFUSED(&image, rules[1].block, 99, "a rule is malformed");
	REFUSED(&image, rules[1].pad, 1, "a rule is malformed");
	REFUSED(&image, rules[1].text.size, UINT32_MAX, "a rule is malformed");
	REFUSED(&image, tools[0].kind, 2, "the tools are malformed or not sorted");
	REFUSED(&image, tools[0].block, 0, "the tools are malformed or not sorted");
	REFUSED(&image, tools[0].block, 99, "the tools are malformed or not sorted");
	later = memchr(image.policy.text, 'w', image.policy.text_size);
	assert_non_null(later);
	REFUSED(&image, tools[0].name.offset, later - image.policy.text,
		"the tools are malformed or not sorted");
	REFUSED(&image, tools[1].name.size, UINT32_MAX, "the tools are malformed or not sorted");
	REFUSED(&image, templates[0].block, 99, "a template is malformed");
}

static void malformed_templates_and_hosts_are_refused(void **state)
{
	_cleanup_(image_free) struct image image;
	struct mf_pol_template *templates;
	struct mf_pol_host *hosts;
	struct mf_pol_host_addr *addrs;

	start(&image);
	templates = (void *)section(&image, MF_POL_SEC_TEMPLATES);
	hosts = (void *)section(&image, MF_POL_SEC_HOSTS);
	addrs = (void *)section(&image, MF_POL_SEC_HOST_ADDRS);
	REFUSED(&image, templates[0].rule, 0, "a template is malformed");
	REFUSED(&image, templates[0].verbs, 0, "a template is malformed");
	REFUSED(&image, templates[0].verbs, 0x20, "a template is malformed");
	REFUSED(&image, templates[0].deny, 2, "a template is malformed");
	REFUSED(&image, templates[0].kind, 0, "a template is malformed");
	REFUSED(&image, templates[0].kind, 4, "a template is malformed");
	REFUSED(&image, templates[0].pad[4], 1, "a template is malformed");
	REFUSED(&image, templates[0].before.offset, UINT32_MAX, "a template is malformed");
	REFUSED(&image, templates[0].argument.size, 0, "a template is malformed");
	REFUSED(&image, templates[0].argument.size, UINT32_MAX, "a template is malformed");
	REFUSED(&image, templates[0].after.offset, UINT32_MAX, "a template is malformed");
	REFUSED(&image, templates[1].block, 2, "a template is malformed");
	REFUSED(&image, hosts[0].name.size, UINT32_MAX, "a host is malformed");
	REFUSED(&image, hosts[0].rule, 0, "a host is malformed");
	REFUSED(&image, hosts[0].first, 99, "a host is malformed");
	REFUSED(&image, hosts[0].count, 99, "a host is malformed");
	REFUSED(&image, hosts[0].verbs, 0x20, "a host is malformed");
	REFUSED(&image, hosts[0].port_first, 81, "a host is malformed");
	REFUSED(&image, hosts[0].deny, 2, "a host is malformed");
	REFUSED(&image, addrs[0].family, 5, "a host is malformed");
	REFUSED(&image, addrs[0].pad, 1, "a host is malformed");
}

static void malformed_grants_are_refused(void **state)
{
	static const char count[] = "a section has a count that it cannot have";
	static const char block[] = "a block is malformed";
	_cleanup_policy_builder_ struct policy_builder *builder = NULL;
	const struct policy_entry entry = { .rule = 1, .verbs = MF_POL_BIT(MF_POL_READ) };
	_cleanup_buf_ struct buf made = { 0 };
	struct image image = { 0 };
	struct mf_pol_block *blocks;
	struct mf_pol_head *head;
	static const enum mf_pol_section none[] = { MF_POL_SEC_RULES, MF_POL_SEC_FILES,
						    MF_POL_SEC_TOOLS, MF_POL_SEC_TEMPLATES,
						    MF_POL_SEC_HOSTS, MF_POL_SEC_HOST_ADDRS };

	assert_int_equal(policy_builder_new(1, &builder), 0);
	assert_int_equal(policy_builder_path(builder, entry, "/x", 2), 0);
	assert_int_equal(policy_builder_grants(builder, 3, &made), 0);
	image.bytes = made.data;
	image.size = buf_size(&made);
	policy_view(image.bytes, &image.policy);
	head = (void *)image.bytes;
	blocks = (void *)section(&image, MF_POL_SEC_BLOCKS);
	assert_string_equal(verdict(&image), "good");
	REFUSED(&image, head->flags, 0, count);
	REFUSED(&image, head->flags, MF_POL_GRANTS | MF_POL_HAS_BASE, count);
	REFUSED(&image, head->ceiling_count, 1, count);
	REFUSED(&image, head->rule_count, 1, "an answer is malformed");
	REFUSED(&image, blocks[0].kind, MF_POL_BLOCK_BASE, block);
	REFUSED(&image, blocks[0].escape_allow, 1, block); /* an argument is no way out */
	REFUSED(&image, blocks[0].escape_deny, 1, block);
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		REFUSED(&image, head->section[none[i]].count, 1, "head and size do not fit");
}

static void a_part_of_a_policy_is_none(void **state)
{
	_cleanup_(image_free) struct image image;
	struct policy policy;

	start(&image);
	for (size_t size = 0; size < image.size; size += 8) {
		_cleanup_free_ uint8_t *part = malloc(size + 1);

		memcpy(part, image.bytes, size);
		assert_int_equal(policy_validate(part, size, &policy, NULL), -EBADMSG);
		if (size < sizeof(struct mf_pol_head))
			continue;
		((struct mf_pol_head *)(void *)part)->size = (uint32_t)size;
		assert_int_equal(policy_validate(part, size, &policy, NULL), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_that_are_no_policy_are_refused),
		cmocka_unit_test(counts_that_cannot_be_are_refused),
		cmocka_unit_test(malformed_blocks_are_refused),
		cmocka_unit_test(malformed_answers_and_escapes_are_refused),
		cmocka_unit_test(malformed_paths_are_refused),
		cmocka_unit_test(malformed_addresses_and_ports_are_refused),
		cmocka_unit_test(malformed_names_and_texts_are_refused),
		cmocka_unit_test(malformed_templates_and_hosts_are_refused),
		cmocka_unit_test(malformed_grants_are_refused),
		cmocka_unit_test(a_part_of_a_policy_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
