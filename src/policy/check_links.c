/* SPDX-License-Identifier: BSD-2-Clause */
/* Links in the directories that lines name: those that lead to what nothing here allows. */

#include <errno.h>
#include <string.h>

#include "policy/check.h"

#define LINKS_SHOWN 3

/* What lines allow at a path itself. */
struct allowed {
	const struct policy_bytes *path;
	uint8_t verbs;
};

struct allowed_paths {
	struct allowed *paths; /* sorted; each path once */
	size_t count;
	bool made;
};

static void free_paths(struct allowed_paths *allowed)
{
	free(allowed->paths);
}

static int by_bytes(const struct policy_bytes *a, const char *bytes, size_t size)
{
	int r = memcmp(a->bytes, bytes, a->size < size ? a->size : size);

	return r ? r : (a->size > size) - (a->size < size);
}

static int by_path(const void *left, const void *right)
{
	const struct allowed *a = left, *b = right;

	return by_bytes(a->path, b->path->bytes, b->path->size);
}

static void add_lines(struct allowed_paths *allowed, const struct policy_lines *lines)
{
	for (size_t i = 0; lines && i < lines->count; i++) {
		const struct policy_line *line = lines->lines[i];

		if (!line->deny && line->kind == POLICY_OBJECT_PATH)
			allowed->paths[allowed->count++] =
				(struct allowed){ &line->resolved,
						  policy_verbs_implied(line->verbs, false) };
	}
}

/* Made when the first link is met: most policies name no directory with any. */
static int make_paths(struct allowed_paths *allowed, const struct policy_lines *lines,
		      const struct policy_lines *base)
{
	size_t kept = 0;

	if (allowed->made)
		return 0;
	allowed->paths =
		calloc(lines->count + (base ? base->count : 0) + 1, sizeof(*allowed->paths));
	if (!allowed->paths)
		return -ENOMEM;
	allowed->made = true;
	add_lines(allowed, lines);
	add_lines(allowed, base);
	if (allowed->count)
		qsort(allowed->paths, allowed->count, sizeof(*allowed->paths), by_path);
	for (size_t i = 0; i < allowed->count; i++) {
		if (kept && by_path(&allowed->paths[kept - 1], &allowed->paths[i]) == 0)
			allowed->paths[kept - 1].verbs |= allowed->paths[i].verbs;
		else
			allowed->paths[kept++] = allowed->paths[i];
	}
	allowed->count = kept;
	return 0;
}

static uint8_t verbs_at(const struct allowed_paths *allowed, const char *path, size_t size)
{
	size_t low = 0, high = allowed->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int r = by_bytes(allowed->paths[middle].path, path, size);

		if (r == 0)
			return allowed->paths[middle].verbs;
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

/* What the lines for the path and for all directories above it allow there. */
static uint8_t verbs_in(const struct allowed_paths *allowed, const char *path, size_t size)
{
	uint8_t verbs = verbs_at(allowed, "/", 1) | verbs_at(allowed, path, size);

	for (size_t end = size; end > 1; end--) {
		if (path[end - 1] == '/')
			verbs |= verbs_at(allowed, path, end - 1);
	}
	return verbs;
}

/* The links of one directory. */
struct leading_out {
	struct policy_parser *parser;
	const struct policy_line *line;
	const struct policy_lines *lines, *base;
	struct allowed_paths *allowed;
	struct buf examples;
	size_t looked_at;
	size_t count;
	int failed;
};

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
	const char *text;
	int r;

	(void)target;
	out->looked_at++;
	r = buf_append(&path, out->line->resolved.bytes, out->line->resolved.size);
	if (r == 0)
		r = buf_append_str(&path, out->line->resolved.size == 1 ? "" : "/");
	if (r == 0)
		r = buf_append(&path, name, strlen(name) + 1);
	if (r == 0)
		r = policy_path_resolve(out->parser->world, (const char *)buf_bytes(&path), &named,
					&object, NULL, NULL);
	if (r == -ENOMEM || (r >= 0 && make_paths(out->allowed, out->lines, out->base)))
		out->failed = -ENOMEM;
	if (r < 0 || out->failed)
		return;
	text = (const char *)buf_bytes(&object);
	if (policy_path_in(text, buf_size(&object), "/proc", 5) ||
	    !(out->line->verbs & ~verbs_in(out->allowed, text, buf_size(&object))))
		return;
	if (add_example(out, name, &object))
		out->failed = -ENOMEM;
}

static void free_leading_out(struct leading_out *out)
{
	buf_free(&out->examples);
}

/* Returns how many links were looked at. */
static size_t check_line(struct policy_parser *parser, const struct policy_line *line,
			 const struct policy_lines *lines, const struct policy_lines *base,
			 struct allowed_paths *allowed)
{
	_cleanup_(free_leading_out) struct leading_out out = {
		.parser = parser, .line = line, .lines = lines, .base = base, .allowed = allowed
	};

	if (parser->world->links(parser->world->data, line->resolved.bytes, look_at_link, &out))
		return 0; /* no directory, or none that can be read */
	if (out.failed || buf_append(&out.examples, "", 1)) {
		parser->failed = -ENOMEM;
		return 0;
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
	return out.looked_at;
}

static int by_directory(const void *left, const void *right)
{
	const struct policy_line *a = *(const struct policy_line *const *)left;
	const struct policy_line *b = *(const struct policy_line *const *)right;
	int r = by_bytes(&a->resolved, b->resolved.bytes, b->resolved.size);

	if (!r)
		r = (a->where.file > b->where.file) - (a->where.file < b->where.file);
	return r ? r : (a->where.line > b->where.line) - (a->where.line < b->where.line);
}

void policy_check_links(struct policy_parser *parser, struct policy_lines *named,
			const struct policy_lines *lines, const struct policy_lines *base)
{
	_cleanup_(free_paths) struct allowed_paths allowed = { 0 };

	qsort(named->lines, named->count, sizeof(*named->lines), by_directory);
	for (size_t i = 0; !parser->failed && i < named->count; i++) {
		const struct policy_line *line = named->lines[i];
		const struct policy_line *before = i ? named->lines[i - 1] : NULL;

		if (parser->links_looked_at > POLICY_CHECK_LINKS_MAX)
			return;
		/* another line for the same is covered by this one, or says more verbs of it */
		if (before && before->verbs == line->verbs &&
		    by_bytes(&before->resolved, line->resolved.bytes, line->resolved.size) == 0)
			continue;
		parser->links_looked_at += check_line(parser, line, lines, base, &allowed);
	}
}
