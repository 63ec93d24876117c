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

/* Whether there is anything at the path; of a denial that is not asked. */
static bool check_path(struct policy_parser *parser, const struct policy_line *line)
{
	bool missing = !line->deny && is_missing(parser, line->resolved.bytes);
	bool same = line->resolved.size == line->name.size &&
		    memcmp(line->resolved.bytes, line->name.bytes, line->name.size) == 0;

	if (!same)
		policy_complain_at(
			parser, POLICY_W_LINK, &line->object_where, NULL, NULL,
			"%s leads to %s: that is what the line means",
			policy_parser_shown(parser, line->name.bytes, line->name.size),
			policy_parser_shown(parser, line->resolved.bytes, line->resolved.size));
	/* what is denied need not be there */
	if (missing && !is_to_be_created(parser, line))
		policy_complain_at(
			parser, POLICY_W_MISSING_PATH, &line->object_where, NULL, NULL,
			"%s does not exist",
			policy_parser_shown(parser, line->resolved.bytes, line->resolved.size));
	return !missing;
}

void policy_check_lines(struct policy_parser *parser, const struct policy_lines *lines,
			const struct policy_lines *base)
{
	_cleanup_(policy_lines_free) struct policy_lines there = { 0 };

	for (size_t i = 0; !parser->failed && i < lines->count; i++) {
		const struct policy_line *line = lines->lines[i];
		bool is_path = line->kind == POLICY_OBJECT_PATH || line->kind == POLICY_OBJECT_UNIX;
		bool is_there = true;

		if (!policy_line_is_own(parser, line))
			continue;
		if (!line->deny && line->verbs & MF_POL_BIT(MF_POL_EXEC))
			check_exec(parser, line);
		if (is_path && parser->world->look)
			is_there = check_path(parser, line);
		if (line->kind == POLICY_OBJECT_PATH && !line->deny && is_there &&
		    parser->world->links && policy_lines_add(&there, line))
			parser->failed = -ENOMEM;
	}
	if (!parser->failed && there.count)
		policy_check_links(parser, &there, lines, base);
}
