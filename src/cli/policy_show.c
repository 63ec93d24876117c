/* SPDX-License-Identifier: BSD-2-Clause */
/* `mcpfloor policy show`: what a policy comes to, as a policy: includes, variables, links put in. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/policy.h"
#include "cli/policy_names.h"
#include "cli/print_json.h"
#include "policy/quote.h"

#define PLACE_COLUMN 56

struct showing {
	const struct policy_tree *tree;
	struct buf out;
	yajl_gen gen; /* NULL: text */
};

static void showing_free(struct showing *showing)
{
	buf_free(&showing->out);
	if (showing->gen)
		yajl_gen_free(showing->gen);
}

static int append_address(struct buf *out, const struct policy_prefix *prefix)
{
	_cleanup_buf_ struct buf text = { 0 };
	int r;

	if (prefix->any)
		return buf_append_str(out, "*");
	r = policy_address_print(&text, &prefix->address);
	if (r)
		return r;
	if (prefix->length == (prefix->address.family == 4 ? 32 : 128))
		return buf_append(out, buf_bytes(&text), buf_size(&text));
	if (prefix->address.family == 4)
		return buf_printf(out, "%.*s/%u", (int)buf_size(&text),
				  (const char *)buf_bytes(&text), prefix->length);
	return buf_printf(out, "%.*s/%u]", (int)buf_size(&text) - 1, (const char *)buf_bytes(&text),
			  prefix->length);
}

static int append_ports(struct buf *out, struct policy_ports ports)
{
	if (ports.first == 0 && ports.last == UINT16_MAX)
		return buf_append_str(out, ":*");
	if (ports.first == ports.last)
		return buf_printf(out, ":%u", ports.first);
	return buf_printf(out, ":%u-%u", ports.first, ports.last);
}

static int append_quoted(struct buf *out, const char *before, const struct policy_bytes *bytes)
{
	_cleanup_buf_ struct buf word = { 0 };
	int r = buf_append_str(&word, before);

	if (r == 0)
		r = buf_append(&word, bytes->bytes, bytes->size);
	return r ? r : policy_quote(out, buf_bytes(&word), buf_size(&word));
}

static int append_template(struct buf *out, const struct policy_line *line)
{
	int r = 0;

	if (line->template_kind == MF_POL_TEMPLATE_UNIX)
		r = buf_append_str(out, "unix:");
	/* in quotes, but for ${: that is to be read as a variable again */
	if (r == 0)
		r = buf_append(out, line->before.bytes, line->before.size);
	if (r == 0)
		r = buf_append_str(out, "${arg.");
	if (r == 0)
		r = buf_append(out, line->argument.bytes, line->argument.size);
	if (r == 0)
		r = buf_append_str(out, "}");
	return r ? r : buf_append(out, line->after.bytes, line->after.size);
}

/* The object that is meant, as the language writes it. */
static int append_object(struct buf *out, const struct policy_line *line)
{
	int r;

	switch (line->kind) {
	case POLICY_OBJECT_PATH:
		return append_quoted(out, "", &line->resolved);
	case POLICY_OBJECT_UNIX:
		return append_quoted(out, "unix:", &line->resolved);
	case POLICY_OBJECT_ABSTRACT:
		return line->any ? buf_append_str(out, "unix:@*")
				 : append_quoted(out, "unix:@", &line->name);
	case POLICY_OBJECT_ADDRESS:
		r = append_address(out, &line->prefix);
		return r ? r : append_ports(out, line->ports);
	case POLICY_OBJECT_HOST:
		r = buf_append(out, line->name.bytes, line->name.size);
		return r ? r : append_ports(out, line->ports);
	case POLICY_OBJECT_TEMPLATE:
		return append_template(out, line);
	case POLICY_OBJECT_ESCAPE:
		return buf_append_str(out, policy_escapes[line->escape].word);
	case POLICY_OBJECT_NONE:
		break;
	}
	return -EINVAL;
}

static int append_verb(struct buf *out, const struct policy_line *line)
{
	int r = buf_append_str(out, policy_keywords[line->keyword].word);

	if (r == 0 && line->deny && !line->all_verbs)
		r = buf_printf(out, " %s", policy_verbs[__builtin_ctz(line->verbs)].word);
	return r;
}

static bool is_link(const struct policy_line *line)
{
	return line->name.size != line->resolved.size ||
	       memcmp(line->name.bytes, line->resolved.bytes, line->name.size) != 0;
}

/* Where the line is, and what the object was called there. */
static int append_place(struct buf *out, const struct policy_tree *tree,
			const struct policy_line *line)
{
	_cleanup_free_ char *file = cli_shown(tree->sources.files[line->where.file].name);
	int r = buf_printf(out, "# %s:%u", file, line->where.line);

	if (r == 0 && (line->kind == POLICY_OBJECT_PATH || line->kind == POLICY_OBJECT_UNIX) &&
	    is_link(line)) {
		_cleanup_free_ char *name = cli_shown(line->name.bytes);

		r = buf_printf(out, ", there %s", name);
	}
	for (size_t i = 0; r == 0 && i < line->address_count; i++) {
		r = buf_append_str(out, i ? " " : ", now ");
		if (r == 0)
			r = policy_address_print(out, &line->addresses[i]);
	}
	return r;
}

static int show_text(struct showing *showing, const struct policy_line *line)
{
	size_t begin = buf_size(&showing->out), width;
	int r = buf_append_str(&showing->out, "  ");

	if (r == 0)
		r = append_verb(&showing->out, line);
	width = buf_size(&showing->out) - begin;
	if (r == 0)
		r = buf_printf(&showing->out, "%*s", width < 10 ? (int)(10 - width) : 1, "");
	if (r == 0)
		r = append_object(&showing->out, line);
	if (r == 0 && line->interpreter)
		r = buf_append_str(&showing->out, " " POLICY_WORD_INTERPRETER);
	width = buf_size(&showing->out) - begin;
	if (r == 0)
		r = buf_printf(&showing->out, "%*s",
			       width < PLACE_COLUMN ? (int)(PLACE_COLUMN - width) : 1, "");
	if (r == 0)
		r = append_place(&showing->out, showing->tree, line);
	return r ? r : buf_append_str(&showing->out, "\n");
}

static int show_json(struct showing *showing, const struct policy_line *line)
{
	_cleanup_buf_ struct buf object = { 0 };
	yajl_gen gen = showing->gen;
	int r = append_object(&object, line);

	if (r == 0)
		r = buf_append(&object, "", 1);
	if (r)
		return r;
	yajl_gen_map_open(gen);
	print_json_field(gen, "verb",
			 line->all_verbs ? "deny" : policy_keywords[line->keyword].word);
	if (line->deny && !line->all_verbs)
		print_json_field(gen, "denied", policy_verbs[__builtin_ctz(line->verbs)].word);
	print_json_field(gen, "object", (const char *)buf_bytes(&object));
	print_json_field(gen, "file", showing->tree->sources.files[line->where.file].name);
	print_json_count(gen, "line", line->where.line);
	if (line->kind == POLICY_OBJECT_HOST)
		r = policy_addresses_json(gen, line->addresses, line->address_count);
	yajl_gen_map_close(gen);
	return r;
}

static int show_line(void *data, const struct policy_line *line)
{
	struct showing *showing = data;

	return showing->gen ? show_json(showing, line) : show_text(showing, line);
}

static const char *block_word(const struct policy_block *block)
{
	return block->kind == POLICY_BLOCK_BASE	     ? "base"
	       : block->kind == POLICY_BLOCK_CEILING ? "ceiling"
						     : "tool";
}

static int tool_name(const struct policy_block *block, struct buf *ret_name)
{
	int r = policy_quote(ret_name, block->name.bytes, block->name.size);

	if (block->prefix && !block->name.size) {
		buf_reset(ret_name, SIZE_MAX);
		r = 0;
	}
	if (r == 0 && block->prefix) {
		/* the * goes inside of quotes, where there are any */
		bool quoted = buf_size(ret_name) && buf_bytes(ret_name)[0] == '"';

		if (quoted)
			ret_name->end--;
		r = buf_append_str(ret_name, quoted ? "*\"" : "*");
	}
	return r;
}

static int show_block_text(struct showing *showing, const struct policy_block *block)
{
	int r = buf_printf(&showing->out, "\n%s", block_word(block));

	if (r == 0 && block->kind == POLICY_BLOCK_TOOL) {
		_cleanup_buf_ struct buf name = { 0 };

		r = tool_name(block, &name);
		if (r == 0)
			r = buf_append_str(&showing->out, " ");
		if (r == 0)
			r = buf_append(&showing->out, buf_bytes(&name), buf_size(&name));
	}
	if (r == 0)
		r = buf_printf(&showing->out, "\n  mode    %s\n", policy_modes[block->mode].word);
	return r ? r : policy_block_each(showing->tree, block, show_line, showing);
}

static int show_block_json(struct showing *showing, const struct policy_block *block)
{
	yajl_gen gen = showing->gen;
	int r = 0;

	yajl_gen_map_open(gen);
	print_json_field(gen, "block", block_word(block));
	if (block->kind == POLICY_BLOCK_TOOL) {
		_cleanup_buf_ struct buf name = { 0 };

		r = buf_append(&name, block->name.bytes, block->name.size);
		if (r == 0)
			r = buf_append(&name, block->prefix ? "*" : "", block->prefix ? 2 : 1);
		if (r == 0)
			print_json_field(gen, "tool", (const char *)buf_bytes(&name));
		print_json_bool(gen, "prefix", block->prefix);
	}
	print_json_field(gen, "mode", policy_modes[block->mode].word);
	print_json_text(gen, "lines");
	yajl_gen_array_open(gen);
	if (r == 0)
		r = policy_block_each(showing->tree, block, show_line, showing);
	yajl_gen_array_close(gen);
	yajl_gen_map_close(gen);
	return r;
}

static int show_blocks(struct showing *showing)
{
	static const enum policy_block_kind order[] = { POLICY_BLOCK_CEILING, POLICY_BLOCK_BASE,
							POLICY_BLOCK_TOOL };
	int r = 0;

	for (size_t k = 0; k < ARRAY_LEN(order); k++) {
		for (size_t i = 0; r == 0 && i < showing->tree->block_count; i++) {
			const struct policy_block *block = &showing->tree->blocks[i];

			if (block->kind != order[k])
				continue;
			r = showing->gen ? show_block_json(showing, block)
					 : show_block_text(showing, block);
		}
	}
	return r;
}

static int show(struct showing *showing, bool json)
{
	const struct policy_tree *tree = showing->tree;
	const char *word = tree->default_mode == MF_POL_ENFORCE
				   ? "deny"
				   : policy_modes[tree->default_mode].word;
	int r;

	if (json) {
		showing->gen = print_json_new();
		if (!showing->gen)
			return -ENOMEM;
		yajl_gen_map_open(showing->gen);
		print_json_count(showing->gen, "version", 1);
		print_json_field(showing->gen, "default", word);
		print_json_text(showing->gen, "blocks");
		yajl_gen_array_open(showing->gen);
		r = show_blocks(showing);
		yajl_gen_array_close(showing->gen);
		yajl_gen_map_close(showing->gen);
		return r ? r : print_json_line(take_ptr(showing->gen), stdout);
	}
	r = buf_printf(&showing->out, "version 1\ndefault %s\n", word);
	if (r == 0)
		r = show_blocks(showing);
	return r ? r : cli_policy_print(&showing->out, stdout);
}

int cli_policy_show(const struct cli_args *args)
{
	_cleanup_policy_tree_ struct policy_tree *tree =
		cli_policy_read(args, (const char *const *)args->operands,
				(size_t)args->operand_count, false, true);
	_cleanup_(showing_free) struct showing showing = { .tree = tree };
	int r;

	if (!tree)
		return CLI_POLICY_FAILED;
	r = show(&showing, args->json);
	if (r < 0)
		cli_error("policy show: %s", strerror(-r));
	return r < 0 ? CLI_POLICY_FAILED : CLI_OK;
}
