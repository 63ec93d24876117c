/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of blocks as text. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "policy/format.h"
#include "policy/interpreter.h"
#include "policy/learn_state.h"
#include "policy/object.h"
#include "policy/quote.h"
#include "policy/source.h"
#include "policy/words.h"

#define LEFT_OUT_MAX 20 /* of one block that are named; the others are counted */
#define SHOWN_MAX 1000 /* bytes of a name in a comment */

struct printer {
	const struct policy_learner *learner;
	struct buf text;
	size_t left_out; /* named of the present block */
	size_t left_out_more;
};

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static int print_uses(struct printer *printer, uint64_t uses, uint64_t calls, bool of_calls)
{
	int r = buf_printf(&printer->text, "  # %llu use%s", (unsigned long long)uses,
			   plural(uses));

	if (r == 0 && of_calls && calls)
		r = buf_printf(&printer->text, " in %llu call%s", (unsigned long long)calls,
			       plural(calls));
	return r;
}

static int print_path(struct printer *printer, const char *path, size_t size)
{
	const struct fold_place *place = &printer->learner->options.place;

	return policy_quote_path(&printer->text, path, size, place->workspace, place->home);
}

static int print_keyword(struct printer *printer, enum mf_pol_verb verb)
{
	return buf_printf(&printer->text, "  %s ", policy_verbs[verb].word);
}

static int print_left_out(struct printer *printer, const char *why, const char *name, size_t size,
			  uint64_t uses)
{
	int r;

	if (printer->left_out == LEFT_OUT_MAX) {
		printer->left_out_more++;
		return 0;
	}
	printer->left_out++;
	r = buf_printf(&printer->text, "  # left out, %s: ", why);
	if (r == 0)
		r = escape_text(&printer->text, name, size < SHOWN_MAX ? size : SHOWN_MAX);
	if (r == 0)
		r = buf_printf(&printer->text, "%s (%llu use%s)\n", size > SHOWN_MAX ? "…" : "",
			       (unsigned long long)uses, plural(uses));
	return r;
}

static int print_templates(struct printer *printer, const struct learn_block *block,
			   const struct learn_lines *lines, enum mf_pol_verb verb)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < block->argument_count; i++) {
		if (!(lines->templates[verb] >> i & 1))
			continue;
		r = print_keyword(printer, verb);
		if (r == 0)
			r = buf_printf(&printer->text, "${arg.%s}", block->arguments[i]);
		if (r == 0)
			r = print_uses(printer, lines->template_uses[verb][i],
				       lines->template_calls[verb][i], false);
		if (r == 0)
			r = buf_append_str(&printer->text, "\n");
	}
	return r;
}

/* An exec line of an interpreter says that it means to. */
static int print_interpreter(struct printer *printer, const struct fold_path *line)
{
	_cleanup_free_ char *path = strndup(line->path, line->size);

	if (!path)
		return -ENOMEM;
	return policy_is_interpreter(path)
		       ? buf_printf(&printer->text, " %s", POLICY_WORD_INTERPRETER)
		       : 0;
}

static int print_path_line(struct printer *printer, enum mf_pol_verb verb,
			   const struct fold_path *line, bool of_calls)
{
	bool is_socket = verb == MF_POL_CONNECT || verb == MF_POL_LISTEN;
	int r;

	if (line->left_out)
		return print_left_out(printer, "a directory is its whole tree", line->path,
				      line->size, line->uses);
	if (POLICY_QUOTED_MAX(line->size) > POLICY_LINE_MAX - 200)
		return print_left_out(printer, "too long for a line", line->path, line->size,
				      line->uses);
	r = print_keyword(printer, verb);
	if (r == 0 && is_socket)
		r = buf_append_str(&printer->text, "unix:");
	if (r == 0)
		r = print_path(printer, line->path, line->size);
	if (r == 0 && verb == MF_POL_EXEC && !line->tree)
		r = print_interpreter(printer, line);
	if (r == 0)
		r = print_uses(printer, line->uses, line->paths == 1 ? line->calls : 0, of_calls);
	if (r == 0 && line->paths > 1)
		r = buf_printf(&printer->text, " of %u objects", line->paths);
	if (r == 0 && !line->sure)
		r = buf_append_str(&printer->text, ", possibly of another tool");
	return r ? r : buf_append_str(&printer->text, "\n");
}

static int print_other_object(struct buf *out, const struct learn_use *use)
{
	struct policy_address address = { .family = use->family };
	int r;

	if (use->kind == POLICY_ACCESS_ABSTRACT) {
		r = buf_append_str(out, "unix:@");
		return r ? r : policy_quote(out, use->name, use->size);
	}
	memcpy(address.addr, use->addr, sizeof(address.addr));
	r = policy_address_print(out, &address);
	return r ? r : buf_printf(out, ":%u", use->port);
}

/* Addresses and abstract names: each its own line. Equal ones stand next to each other. */
static int print_others(struct printer *printer, const struct learn_block *block,
			const struct learn_lines *lines, enum mf_pol_verb verb)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < block->count; i++) {
		const struct learn_use *use = &block->uses[i], *next = use + 1;
		uint64_t uses = use->uses;

		if (use->kind == POLICY_ACCESS_PATH || !(use->verbs & MF_POL_BIT(verb)) ||
		    lines->done[i] & MF_POL_BIT(verb))
			continue;
		while (i + 1 < block->count && next->kind == use->kind && next->size == use->size &&
		       next->family == use->family && next->port == use->port &&
		       next->verbs == use->verbs && !(lines->done[i + 1] & MF_POL_BIT(verb)) &&
		       memcmp(next->addr, use->addr, sizeof(use->addr)) == 0 &&
		       (!use->size || memcmp(next->name, use->name, use->size) == 0)) {
			uses += next->uses;
			next++;
			i++;
		}
		r = print_keyword(printer, verb);
		if (r == 0)
			r = print_other_object(&printer->text, use);
		if (r == 0)
			r = print_uses(printer, uses, use->uses == uses ? use->calls : 0,
				       block->tool != NULL);
		if (r == 0)
			r = buf_append_str(&printer->text, "\n");
	}
	return r;
}

/* A path as it is, what else is denied as a line would name it. */
static int print_secret(struct printer *printer, const struct learn_secret *secret)
{
	_cleanup_buf_ struct buf name = { 0 };
	int r = secret->use->kind == POLICY_ACCESS_PATH
			? buf_append(&name, secret->use->name, secret->use->size)
			: print_other_object(&name, secret->use);

	return r ? r
		 : print_left_out(printer, "secret", (const char *)buf_bytes(&name),
				  buf_size(&name), secret->uses);
}

/* A line that is ready to be used, but for the # before it: it is somebody's to decide. */
static int print_escape(struct printer *printer, enum mf_pol_escape escape, uint64_t uses)
{
	return buf_printf(&printer->text,
			  "  # allow %s  # left out, a way out of the session (%llu use%s)\n",
			  policy_escapes[escape].word, (unsigned long long)uses, plural(uses));
}

static int print_comments(struct printer *printer, const struct learn_block *block,
			  const struct learn_lines *lines)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < lines->secret_count; i++)
		r = print_secret(printer, &lines->secrets[i]);
	for (int i = 0; r == 0 && i < MF_POL_ESCAPE_MAX; i++) {
		if (block->escapes[i])
			r = print_escape(printer, (enum mf_pol_escape)i, block->escapes[i]);
	}
	if (r == 0 && printer->left_out_more)
		r = buf_printf(&printer->text, "  # left out: %zu more\n", printer->left_out_more);
	printer->left_out = printer->left_out_more = 0;
	return r;
}

static int print_lines(struct printer *printer, const struct learn_block *block,
		       const struct learn_lines *lines)
{
	bool of_calls = block->tool != NULL;
	int r = 0;

	for (int i = 0; r == 0 && i < MF_POL_VERB_MAX; i++) {
		enum mf_pol_verb verb = (enum mf_pol_verb)i;

		r = print_templates(printer, block, lines, verb);
		for (size_t k = 0; r == 0 && k < lines->counts[verb]; k++)
			r = print_path_line(printer, verb, &lines->paths[verb][k], of_calls);
		if (r == 0)
			r = print_others(printer, block, lines, verb);
	}
	return r ? r : print_comments(printer, block, lines);
}

static int print_base(struct printer *printer, const struct learn_block *block,
		      const struct learn_lines *lines, uint64_t included)
{
	const struct policy_learn_options *options = &printer->learner->options;
	int r = buf_append_str(&printer->text, "\nbase\n");

	for (size_t i = 0; r == 0 && i < options->include_count && i < 64; i++) {
		if (included >> i & 1)
			r = buf_printf(&printer->text, "  include %s\n", options->includes[i].name);
	}
	if (r == 0 && options->secrets)
		r = buf_append_str(&printer->text, "  include secrets\n");
	return r ? r : print_lines(printer, block, lines);
}

static int print_tool(struct printer *printer, const struct learn_block *block,
		      const struct learn_lines *base, uint64_t included)
{
	_cleanup_(learn_lines_free) struct learn_lines lines = { 0 };
	int r = learn_lines_make(printer->learner, block, base, included, &lines);

	if (r == 0)
		r = buf_append_str(&printer->text, "\ntool ");
	if (r == 0)
		r = policy_quote(&printer->text, block->tool, block->tool_size);
	if (r == 0)
		r = buf_printf(&printer->text, "  # %llu call%s\n",
			       (unsigned long long)block->calls, plural(block->calls));
	return r ? r : print_lines(printer, block, &lines);
}

static int print_head(struct printer *printer)
{
	const struct policy_learner *learner = printer->learner;
	unsigned long long calls = 0;
	int r;

	for (size_t i = 1; i < learner->block_count; i++)
		calls += learner->blocks[i].calls;
	r = buf_printf(
		&printer->text,
		"version 1\n"
		"# Learned from %llu call%s of %zu tool%s. It allows what they did, as far as the\n"
		"# record tells, and a lie among them too: read each line before it is used.\n",
		calls, plural(calls), learner->block_count - 1, plural(learner->block_count - 1));
	if (r == 0 && learner->calls_unkept)
		r = buf_printf(&printer->text,
			       "# Not learned: %llu call%s of tools that have no block here.\n",
			       (unsigned long long)learner->calls_unkept,
			       plural(learner->calls_unkept));
	if (r == 0 && learner->accesses_unkept)
		r = buf_printf(&printer->text, "# Not learned: %llu access%s beyond the limits.\n",
			       (unsigned long long)learner->accesses_unkept,
			       learner->accesses_unkept == 1 ? "" : "es");
	return r ? r : buf_append_str(&printer->text, "default deny\n");
}

static int by_tool(const void *first, const void *second)
{
	const struct learn_block *a = *(const struct learn_block *const *)first;
	const struct learn_block *b = *(const struct learn_block *const *)second;
	size_t size = a->tool_size < b->tool_size ? a->tool_size : b->tool_size;
	int order = memcmp(a->tool, b->tool, size);

	return order ? order : (a->tool_size > b->tool_size) - (a->tool_size < b->tool_size);
}

static int print_blocks(struct printer *printer, const struct learn_lines *base, uint64_t included)
{
	const struct policy_learner *learner = printer->learner;
	_cleanup_free_ const struct learn_block **blocks =
		calloc(learner->block_count, sizeof(struct learn_block *));
	size_t count = 0;
	int r = 0;

	if (!blocks)
		return -ENOMEM;
	for (size_t i = 1; i < learner->block_count; i++)
		blocks[count++] = &learner->blocks[i];
	if (count)
		qsort(blocks, count, sizeof(*blocks), by_tool);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = print_tool(printer, blocks[i], base, included);
	return r;
}

static void printer_free(struct printer *printer)
{
	buf_free(&printer->text);
}

int policy_learn_print(struct policy_learner *learner, struct buf *out)
{
	_cleanup_(printer_free) struct printer printer = { .learner = learner };
	_cleanup_(learn_lines_free) struct learn_lines lines = { 0 };
	struct learn_block *base = &learner->blocks[0];
	uint64_t included;
	int r;

	for (size_t i = 0; i < learner->block_count; i++)
		learn_block_settle(learner, &learner->blocks[i]);
	included = learn_includes_choose(learner, base);
	r = learn_unsure_drop(learner, included);
	if (r < 0)
		return r;
	r = learn_lines_make(learner, base, NULL, included, &lines);
	if (r == 0)
		r = print_head(&printer);
	if (r == 0)
		r = print_base(&printer, base, &lines, included);
	if (r == 0)
		r = print_blocks(&printer, &lines, included);
	if (r == 0)
		r = policy_format((const char *)buf_bytes(&printer.text), buf_size(&printer.text),
				  out);
	return r;
}
