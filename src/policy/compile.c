/* SPDX-License-Identifier: BSD-2-Clause */
/* From the tree to the image. */

#include "policy/compile.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "policy/image.h"
#include "policy/notes.h"
#include "policy/texts.h"

/* What needs no line: what every program may expect of a machine, and none can do harm with. */
static const struct {
	const char *path;
	const char *text;
	uint8_t verbs;
} built_in[] = {
	{ "/dev/null", "write /dev/null", MF_POL_BIT(MF_POL_WRITE) },
	{ "/dev/zero", "write /dev/zero", MF_POL_BIT(MF_POL_WRITE) },
	{ "/dev/full", "write /dev/full", MF_POL_BIT(MF_POL_WRITE) },
	{ "/dev/random", "read /dev/random", MF_POL_BIT(MF_POL_READ) },
	{ "/dev/urandom", "read /dev/urandom", MF_POL_BIT(MF_POL_READ) },
	{ "/dev/tty", "write /dev/tty", MF_POL_BIT(MF_POL_WRITE) },
	{ "/dev/ptmx", "write /dev/ptmx", MF_POL_BIT(MF_POL_WRITE) },
	{ "/dev/pts", "write /dev/pts", MF_POL_BIT(MF_POL_WRITE) },
};

#define BUILT_IN_NAME "built-in"

struct compiler {
	struct policy_tree *tree;
	struct policy_builder *builder;
	struct policy_array rules, files, tools, templates, hosts, host_addrs;
	struct policy_texts texts;
	const struct policy_line *line; /* the one at work, for messages */
	uint32_t block; /* the one at work */
	struct mf_pol_head head;
};

static void compiler_free(struct compiler *compiler)
{
	policy_builder_free(compiler->builder);
	policy_array_free(&compiler->rules);
	policy_array_free(&compiler->files);
	policy_array_free(&compiler->tools);
	policy_array_free(&compiler->templates);
	policy_array_free(&compiler->hosts);
	policy_array_free(&compiler->host_addrs);
	policy_texts_free(&compiler->texts);
}

static int add_text(struct compiler *compiler, const void *bytes, size_t size,
		    struct mf_pol_text *ret_text)
{
	return policy_texts_add(&compiler->texts, bytes, size, ret_text);
}

static int start_files(struct compiler *compiler)
{
	const struct policy_sources *sources = &compiler->tree->sources;
	int r = policy_texts_start(&compiler->texts, sources);

	for (size_t i = 0; r == 0 && i <= sources->count; i++) {
		const char *name = i < sources->count ? sources->files[i].name : BUILT_IN_NAME;
		void *item;

		r = policy_array_add(&compiler->files, &item);
		if (r == 0)
			r = add_text(compiler, name, strlen(name), item);
	}
	return r;
}

/* A rule of the block at work; its text is the caller's to set. */
static int new_rule(struct compiler *compiler, uint32_t file, uint32_t line, uint32_t *ret_index,
		    struct mf_pol_rule **ret_rule)
{
	void *item;
	int r = policy_array_add(&compiler->rules, &item);

	if (r)
		return r;
	*ret_index = (uint32_t)compiler->rules.count - 1;
	*ret_rule = item;
	(*ret_rule)->file = file;
	(*ret_rule)->line = line;
	(*ret_rule)->block = compiler->block;
	return 0;
}

static int add_rule(struct compiler *compiler, const struct policy_where *where, uint32_t *ret_rule)
{
	struct mf_pol_rule *rule;
	int r = new_rule(compiler, where->file, where->line, ret_rule, &rule);

	return r ? r : policy_texts_line(&compiler->texts, where, &rule->text);
}

static int add_built_in(struct compiler *compiler)
{
	for (size_t i = 0; i < ARRAY_LEN(built_in); i++) {
		struct policy_entry entry = {
			.block = compiler->block,
			.verbs = policy_verbs_implied(built_in[i].verbs, false),
		};
		struct mf_pol_rule *rule;
		int r = new_rule(compiler, (uint32_t)compiler->files.count - 1, (uint32_t)i + 1,
				 &entry.rule, &rule);

		if (r)
			return r;
		r = add_text(compiler, built_in[i].text, strlen(built_in[i].text), &rule->text);
		if (r == 0)
			r = policy_builder_path(compiler->builder, entry, built_in[i].path,
						strlen(built_in[i].path));
		if (r)
			return r;
	}
	return 0;
}

static bool bytes_are(const struct policy_bytes *a, const struct policy_bytes *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/*
 * The object that the links lead to, and the name itself. A denial holds for every name on the way,
 * too: else re-pointing a link in the middle would undo it.
 */
static int add_path(struct compiler *compiler, const struct policy_line *line,
		    struct policy_entry entry)
{
	int r = policy_builder_path(compiler->builder, entry, line->resolved.bytes,
				    line->resolved.size);

	if (r == 0 && !bytes_are(&line->named, &line->resolved))
		r = policy_builder_path(compiler->builder, entry, line->named.bytes,
					line->named.size);
	for (size_t i = 0; r == 0 && line->deny && i < line->chain_count; i++)
		r = policy_builder_path(compiler->builder, entry, line->chain[i].bytes,
					line->chain[i].size);
	return r;
}

static int add_host(struct compiler *compiler, const struct policy_line *line,
		    struct policy_entry entry)
{
	struct mf_pol_host *host;
	void *item;
	int r = policy_array_add(&compiler->hosts, &item);

	if (r)
		return r;
	host = item;
	host->rule = entry.rule;
	host->first = (uint32_t)compiler->host_addrs.count;
	host->count = (uint32_t)line->address_count;
	host->verbs = entry.verbs;
	host->port_first = line->ports.first;
	host->port_last = line->ports.last;
	host->deny = line->deny;
	r = add_text(compiler, line->name.bytes, line->name.size, &host->name);
	for (size_t i = 0; r == 0 && i < line->address_count; i++) {
		struct policy_prefix prefix = { .address = line->addresses[i] };
		struct mf_pol_host_addr *addr;

		prefix.length = prefix.address.family == 4 ? 32 : 128;
		r = policy_array_add(&compiler->host_addrs, &item);
		if (r)
			return r;
		addr = item;
		addr->family = prefix.address.family;
		memcpy(addr->addr, prefix.address.addr, sizeof(addr->addr));
		r = policy_builder_address(compiler->builder, entry, &prefix, line->ports);
	}
	return r;
}

static int add_template(struct compiler *compiler, const struct policy_line *line,
			const struct policy_entry *entry)
{
	struct mf_pol_template *template;
	void *item;
	int r = policy_array_add(&compiler->templates, &item);

	if (r)
		return r;
	template = item;
	template->block = entry->block;
	template->rule = entry->rule;
	template->verbs = line->verbs;
	template->deny = line->deny;
	template->kind = (uint8_t)line->template_kind;
	r = add_text(compiler, line->before.bytes, line->before.size, &template->before);
	if (r == 0)
		r = add_text(compiler, line->argument.bytes, line->argument.size,
			     &template->argument);
	return r ? r : add_text(compiler, line->after.bytes, line->after.size, &template->after);
}

static int add_object(struct compiler *compiler, const struct policy_line *line,
		      struct policy_entry entry)
{
	switch (line->kind) {
	case POLICY_OBJECT_PATH:
	case POLICY_OBJECT_UNIX:
		return add_path(compiler, line, entry);
	case POLICY_OBJECT_ADDRESS:
		return policy_builder_address(compiler->builder, entry, &line->prefix, line->ports);
	case POLICY_OBJECT_HOST:
		return add_host(compiler, line, entry);
	case POLICY_OBJECT_ABSTRACT:
		return policy_builder_abstract(compiler->builder, entry, line->name.bytes,
					       line->name.size, line->any);
	case POLICY_OBJECT_TEMPLATE:
		return add_template(compiler, line, &entry);
	case POLICY_OBJECT_ESCAPE:
		return policy_builder_escape(compiler->builder, entry, line->escape);
	case POLICY_OBJECT_NONE:
		break;
	}
	return -EINVAL;
}

static int add_line(void *data, const struct policy_line *line)
{
	struct compiler *compiler = data;
	struct policy_entry entry = {
		.block = compiler->block,
		.verbs = policy_verbs_implied(line->verbs, line->deny),
		.deny = line->deny,
	};
	int r;

	compiler->line = line;
	r = add_rule(compiler, &line->where, &entry.rule);
	return r ? r : add_object(compiler, line, entry);
}

static int add_tool(struct compiler *compiler, const struct policy_block *block)
{
	struct mf_pol_tool *tool;
	void *item;
	int r = policy_array_add(&compiler->tools, &item);

	if (r)
		return r;
	tool = item;
	tool->kind = block->prefix ? MF_POL_TOOL_PREFIX : MF_POL_TOOL_EXACT;
	tool->block = compiler->block;
	return add_text(compiler, block->name.bytes, block->name.size, &tool->name);
}

/* `block` NULL: there is none in the text. */
static int add_block(struct compiler *compiler, const struct policy_block *block,
		     enum mf_pol_block_kind kind, enum mf_pol_mode mode,
		     const struct policy_where *head)
{
	uint32_t rule = 0;
	int r = 0;

	compiler->line = NULL;
	if (head && head->line)
		r = add_rule(compiler, head, &rule);
	if (r == 0)
		policy_builder_block(compiler->builder, compiler->block, kind, mode, rule);
	if (r == 0 && (kind == MF_POL_BLOCK_BASE || kind == MF_POL_BLOCK_CEILING))
		r = add_built_in(compiler);
	if (r == 0 && kind == MF_POL_BLOCK_TOOL)
		r = add_tool(compiler, block);
	if (r == 0 && kind == MF_POL_BLOCK_CEILING)
		compiler->head.ceilings[compiler->head.ceiling_count++] = compiler->block;
	if (r == 0 && block)
		r = policy_block_each(compiler->tree, block, add_line, compiler);
	compiler->block++;
	return r;
}

static int add_blocks_of(struct compiler *compiler, enum policy_block_kind kind,
			 enum mf_pol_block_kind as)
{
	const struct policy_tree *tree = compiler->tree;
	int r = 0;

	for (size_t i = 0; r == 0 && i < tree->block_count; i++) {
		if (tree->blocks[i].kind == kind)
			r = add_block(compiler, &tree->blocks[i], as, tree->blocks[i].mode,
				      &tree->blocks[i].where);
	}
	return r;
}

static int add_blocks(struct compiler *compiler)
{
	const struct policy_tree *tree = compiler->tree;
	const struct policy_block *base = NULL;
	void *item;
	int r = policy_array_add(&compiler->rules, &item); /* rule 0 is none */

	for (size_t i = 0; i < tree->block_count; i++) {
		if (tree->blocks[i].kind == POLICY_BLOCK_BASE)
			base = &tree->blocks[i];
	}
	if (base)
		compiler->head.flags |= MF_POL_HAS_BASE;
	if (r == 0)
		r = add_block(compiler, base, MF_POL_BLOCK_BASE, base ? base->mode : MF_POL_ENFORCE,
			      base ? &base->where : NULL);
	if (r == 0)
		r = add_block(compiler, NULL, MF_POL_BLOCK_DEFAULT, tree->default_mode,
			      &tree->default_where);
	if (r == 0)
		r = add_blocks_of(compiler, POLICY_BLOCK_CEILING, MF_POL_BLOCK_CEILING);
	return r ? r : add_blocks_of(compiler, POLICY_BLOCK_TOOL, MF_POL_BLOCK_TOOL);
}

static uint32_t count_blocks(const struct policy_tree *tree)
{
	uint32_t count = 2;

	for (size_t i = 0; i < tree->block_count; i++)
		count += tree->blocks[i].kind == POLICY_BLOCK_TOOL ||
			 tree->blocks[i].kind == POLICY_BLOCK_CEILING;
	return count;
}

static int by_name(const void *left, const void *right, void *text)
{
	const struct mf_pol_tool *a = left, *b = right;
	size_t least = a->name.size < b->name.size ? a->name.size : b->name.size;
	int r = least ? memcmp((char *)text + a->name.offset, (char *)text + b->name.offset, least)
		      : 0;

	if (!r)
		r = (a->name.size > b->name.size) - (a->name.size < b->name.size);
	return r ? r : (a->kind > b->kind) - (a->kind < b->kind);
}

static void hash_part(crypto_hash_sha256_state *state, const void *bytes, size_t size)
{
	const uint8_t length[8] = { [0] = (uint8_t)size,
				    [1] = (uint8_t)(size >> 8),
				    [2] = (uint8_t)(size >> 16),
				    [3] = (uint8_t)(size >> 24) };

	crypto_hash_sha256_update(state, length, sizeof(length));
	if (size)
		crypto_hash_sha256_update(state, bytes, size);
}

/* Names of files are left out: the same text elsewhere is the same policy. */
static void hash_sources(const struct policy_tree *tree, uint8_t *ret_digest)
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	hash_part(&state, "mcpfloor policy 1", 17);
	hash_part(&state, tree->workspace, tree->workspace ? strlen(tree->workspace) : 0);
	hash_part(&state, tree->home, tree->home ? strlen(tree->home) : 0);
	for (size_t i = 0; i < tree->sources.count; i++)
		hash_part(&state, tree->sources.files[i].text, tree->sources.files[i].size);
	crypto_hash_sha256_final(&state, ret_digest);
}

static void take(struct policy_sections *sections, enum mf_pol_section section,
		 const struct policy_array *array)
{
	sections->items[section] = array->items;
	sections->counts[section] = array->count;
}

static int write_image(struct compiler *compiler, struct buf *ret_image)
{
	_cleanup_(policy_built_free) struct policy_built built = { 0 };
	struct policy_sections sections = { 0 };
	int r;

	if (compiler->tools.count)
		qsort_r(compiler->tools.items, compiler->tools.count, sizeof(struct mf_pol_tool),
			by_name, (void *)buf_bytes(&compiler->texts.bytes));
	compiler->line = NULL;
	r = policy_builder_finish(compiler->builder, &built);
	if (r)
		return r;
	take(&sections, MF_POL_SEC_RULES, &compiler->rules);
	take(&sections, MF_POL_SEC_FILES, &compiler->files);
	take(&sections, MF_POL_SEC_TOOLS, &compiler->tools);
	take(&sections, MF_POL_SEC_TEMPLATES, &compiler->templates);
	take(&sections, MF_POL_SEC_HOSTS, &compiler->hosts);
	take(&sections, MF_POL_SEC_HOST_ADDRS, &compiler->host_addrs);
	sections.items[MF_POL_SEC_TEXT] = buf_bytes(&compiler->texts.bytes);
	sections.counts[MF_POL_SEC_TEXT] = buf_size(&compiler->texts.bytes);
	hash_sources(compiler->tree, compiler->head.source_sha256);
	compiler->head.rule_count = (uint32_t)compiler->rules.count;
	return policy_image_write(&compiler->head, &built, &sections, ret_image);
}

static int too_much(struct compiler *compiler)
{
	struct policy_where whole = { 0 };
	_cleanup_buf_ struct buf text = { 0 };
	int r = buf_append_str(&text, "the compiled policy is larger than can be kept: fewer or "
				      "shorter rules, or fewer different ports, are needed");

	if (r == 0)
		r = policy_notes_add(&compiler->tree->notes, POLICY_E_LIMIT,
				     compiler->line ? &compiler->line->where : &whole, NULL, NULL,
				     &text);
	return r ? r : -E2BIG;
}

int policy_compile(struct policy_tree *tree, struct buf *ret_image)
{
	_cleanup_(compiler_free) struct compiler compiler = {
		.tree = tree,
		.rules = { .item_size = sizeof(struct mf_pol_rule), .max = MF_POL_RULES_MAX },
		.files = { .item_size = sizeof(struct mf_pol_text), .max = POLICY_FILES_MAX + 1 },
		.tools = { .item_size = sizeof(struct mf_pol_tool), .max = MF_POL_BLOCKS_MAX },
		.templates = { .item_size = sizeof(struct mf_pol_template),
			       .max = MF_POL_RULES_MAX },
		.hosts = { .item_size = sizeof(struct mf_pol_host), .max = MF_POL_RULES_MAX },
		.host_addrs = { .item_size = sizeof(struct mf_pol_host_addr),
				.max = MF_POL_NODES_MAX },
		.texts.bytes.limit = MF_POL_SIZE_MAX,
	};
	int r;

	if (tree->notes.errors)
		return -EINVAL;
	r = policy_builder_new(count_blocks(tree), &compiler.builder);
	if (r == 0)
		r = start_files(&compiler);
	if (r == 0)
		r = add_blocks(&compiler);
	if (r == 0)
		r = write_image(&compiler, ret_image);
	return r == -E2BIG || r == -ENOBUFS ? too_much(&compiler) : r;
}
