/* SPDX-License-Identifier: BSD-2-Clause */
/* Warnings about single lines. */

#include <errno.h>
#include <string.h>

#include "policy/check.h"
#include "policy/interpreter.h"

/* Directories that have such programs in them. */
static const char *const program_trees[] = { "/bin", "/sbin", "/usr/bin", "/usr/sbin",
					     "/usr/local/bin" };

static const char *base_name(const struct policy_bytes *path)
{
	const char *slash = strrchr(path->bytes, '/');

	return slash ? slash + 1 : path->bytes;
}

static bool has_interpreters(const struct policy_bytes *tree)
{
	for (size_t i = 0; i < ARRAY_LEN(program_trees); i++) {
		if (policy_path_in(program_trees[i], strlen(program_trees[i]), tree->bytes,
				   tree->size))
			return true;
	}
	return false;
}

static void check_exec(struct policy_parser *parser, const struct policy_line *line)
{
	if (line->kind == POLICY_OBJECT_TEMPLATE) {
		policy_complain_at(parser, POLICY_W_ARGUMENT, &line->where, NULL, NULL,
				   "the caller of the tool chooses what is executed");
		return;
	}
	if (line->kind != POLICY_OBJECT_PATH || line->interpreter)
		return;
	if (policy_is_interpreter(line->name.bytes) || policy_is_interpreter(line->resolved.bytes))
		policy_complain_at(
			parser, POLICY_W_INTERPRETER, &line->where, NULL, NULL,
			"%s runs any text that it is given; if that is meant: exec %s "
			"interpreter",
			base_name(&line->resolved),
			policy_parser_shown(parser, line->object.bytes, line->object.size));
	else if (has_interpreters(&line->resolved))
		policy_complain_at(
			parser, POLICY_W_INTERPRETER, &line->where, NULL, NULL,
			"there are shells and interpreters in %s; if they are meant, too: "
			"exec %s interpreter",
			policy_parser_shown(parser, line->resolved.bytes, line->resolved.size),
			policy_parser_shown(parser, line->object.bytes, line->object.size));
}

static bool is_missing(struct policy_parser *parser, const char *path)
{
	_cleanup_buf_ struct buf target = { 0 };

	return parser->world->look(parser->world->data, path, &target) == POLICY_PATH_MISSING;
}

/* A file that is to be created is not missing, when there is a directory for it. */
static bool is_to_be_created(struct policy_parser *parser, const struct policy_line *line)
{
	_cleanup_free_ char *parent = NULL;

	if (!(line->verbs &
	      (MF_POL_BIT(MF_POL_WRITE) | MF_POL_BIT(MF_POL_LISTEN) | MF_POL_BIT(MF_POL_CONNECT))))
		return false;
	parent = strndup(line->resolved.bytes,
			 line->resolved.size - strlen(base_name(&line->resolved)) - 1);
	if (!parent) {
		parser->failed = -ENOMEM;
		return true;
	}
	return !*parent || !is_missing(parser, parent);
}

static void check_path(struct policy_parser *parser, const struct policy_line *line)
{
	bool same = line->resolved.size == line->name.size &&
		    memcmp(line->resolved.bytes, line->name.bytes, line->name.size) == 0;

	if (!same)
		policy_complain_at(
			parser, POLICY_W_LINK, &line->object_where, NULL, NULL,
			"%s leads to %s: that is what the line means",
			policy_parser_shown(parser, line->name.bytes, line->name.size),
			policy_parser_shown(parser, line->resolved.bytes, line->resolved.size));
	/* what is denied need not be there */
	if (!line->deny && is_missing(parser, line->resolved.bytes) &&
	    !is_to_be_created(parser, line))
		policy_complain_at(
			parser, POLICY_W_MISSING_PATH, &line->object_where, NULL, NULL,
			"%s does not exist",
			policy_parser_shown(parser, line->resolved.bytes, line->resolved.size));
}

/* Links in a directory that a line names, and where they lead. */
struct leading_out {
	struct policy_parser *parser;
	const struct policy_line *line;
	const struct policy_lines *lines, *base;
	struct buf examples;
	size_t count;
	int failed;
};

#define LINKS_SHOWN 3

static bool lines_allow(const struct policy_lines *lines, uint8_t verbs, const char *path,
			size_t size)
{
	for (size_t i = 0; lines && i < lines->count; i++) {
		const struct policy_line *line = lines->lines[i];

		if (!line->deny && line->kind == POLICY_OBJECT_PATH &&
		    !(verbs & ~policy_verbs_implied(line->verbs, false)) &&
		    policy_path_in(path, size, line->resolved.bytes, line->resolved.size))
			return true;
	}
	return false;
}

static int add_example(struct leading_out *out, const char *name, const struct buf *object)
{
	int r = 0;

	if (out->count++ >= LINKS_SHOWN)
		return 0;
	if (buf_size(&out->examples))
		r = buf_append_str(&out->examples, ", ");
	if (r == 0)
		r = policy_shown(&out->examples, name, strlen(name));
	if (r == 0)
		r = buf_append_str(&out->examples, " to ");
	return r ? r : policy_shown(&out->examples, buf_bytes(object), buf_size(object));
}

static void look_at_link(void *data, const char *name, const char *target)
{
	struct leading_out *out = data;
	_cleanup_buf_ struct buf path = { 0 }, named = { 0 }, object = { 0 };
	int r;

	(void)target;
	r = buf_append(&path, out->line->resolved.bytes, out->line->resolved.size);
	if (r == 0)
		r = buf_append_str(&path, out->line->resolved.size == 1 ? "" : "/");
	if (r == 0)
		r = buf_append(&path, name, strlen(name) + 1);
	if (r == 0)
		r = policy_path_resolve(out->parser->world, (const char *)buf_bytes(&path), &named,
					&object, NULL, NULL);
	if (r == -ENOMEM)
		out->failed = r;
	if (r < 0 ||
	    policy_path_in((const char *)buf_bytes(&object), buf_size(&object), "/proc", 5) ||
	    lines_allow(out->lines, out->line->verbs, (const char *)buf_bytes(&object),
			buf_size(&object)) ||
	    lines_allow(out->base, out->line->verbs, (const char *)buf_bytes(&object),
			buf_size(&object)))
		return;
	if (add_example(out, name, &object))
		out->failed = -ENOMEM;
}

static void free_leading_out(struct leading_out *out)
{
	buf_free(&out->examples);
}

static void check_links(struct policy_parser *parser, const struct policy_line *line,
			const struct policy_lines *lines, const struct policy_lines *base)
{
	_cleanup_(free_leading_out) struct leading_out out = {
		.parser = parser, .line = line, .lines = lines, .base = base
	};

	if (parser->world->links(parser->world->data, line->resolved.bytes, look_at_link, &out))
		return; /* no directory, or none that can be read */
	if (out.failed || buf_append(&out.examples, "", 1)) {
		parser->failed = -ENOMEM;
		return;
	}
	if (out.count)
		policy_complain_at(
			parser, POLICY_W_LINKS_OUT, &line->object_where, NULL, NULL,
			"%zu link%s lead%s out of %s to what no line here allows: %s%s; a "
			"line that names a link allows what it leads to",
			out.count, out.count == 1 ? "" : "s", out.count == 1 ? "s" : "",
			policy_parser_shown(parser, line->resolved.bytes, line->resolved.size),
			(const char *)buf_bytes(&out.examples),
			out.count > LINKS_SHOWN ? ", and more" : "");
}

void policy_check_lines(struct policy_parser *parser, const struct policy_lines *lines,
			const struct policy_lines *base)
{
	for (size_t i = 0; !parser->failed && i < lines->count; i++) {
		const struct policy_line *line = lines->lines[i];
		bool is_path = line->kind == POLICY_OBJECT_PATH || line->kind == POLICY_OBJECT_UNIX;

		if (!policy_line_is_own(parser, line))
			continue;
		if (!line->deny && line->verbs & MF_POL_BIT(MF_POL_EXEC))
			check_exec(parser, line);
		if (is_path && parser->world->look)
			check_path(parser, line);
		if (line->kind == POLICY_OBJECT_PATH && !line->deny && parser->world->links)
			check_links(parser, line, lines, base);
	}
}
