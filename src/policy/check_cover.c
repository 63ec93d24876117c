/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines that other lines make needless, and permissions that denials or the ceiling take back.
 * Paths are sorted so that each tree is followed by what is in it: one pass with a stack of the
 * trees that are open.
 */

#include <errno.h>
#include <string.h>

#include "policy/check.h"

/* whose line an item is */
enum layer {
	LAYER_ABOVE = 0, /* of base, or of the ceiling: not looked at itself */
	LAYER_OWN = 1,
};

struct item {
	const struct policy_line *line;
	const struct policy_bytes *path;
	uint8_t verbs; /* with what they imply */
	uint8_t layer;
	uint32_t order; /* in which the lines stand */
};

/* A tree that is open, and what the lines for it and above it say: the nearest of each. */
struct level {
	const struct policy_bytes *path;
	const struct policy_line *allow[MF_POL_VERB_MAX], *deny[MF_POL_VERB_MAX];
};

struct cover {
	struct policy_parser *parser;
	struct item *items;
	size_t count;
	struct level *levels;
	size_t depth;
};

static void cover_free(struct cover *cover)
{
	free(cover->items);
	free(cover->levels);
}

static int by_number(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

/* Slashes come before all other bytes, so that /a/b stands before /a-b. */
static int by_path(const struct policy_bytes *a, const struct policy_bytes *b)
{
	size_t least = a->size < b->size ? a->size : b->size;

	for (size_t i = 0; i < least; i++) {
		unsigned char x = (unsigned char)a->bytes[i], y = (unsigned char)b->bytes[i];

		if (x != y)
			return x == '/' ? -1 : y == '/' ? 1 : by_number(x, y);
	}
	return (a->size > b->size) - (a->size < b->size);
}

static int by_item(const void *left, const void *right)
{
	const struct item *a = left, *b = right;
	int r = by_path(a->path, b->path);

	return r ? r : by_number(a->order, b->order);
}

static void add_items(struct cover *cover, const struct policy_lines *lines, enum layer layer)
{
	for (size_t i = 0; lines && i < lines->count; i++) {
		const struct policy_line *line = lines->lines[i];

		if (line->kind != POLICY_OBJECT_PATH && line->kind != POLICY_OBJECT_UNIX)
			continue;
		cover->items[cover->count] = (struct item){
			.line = line,
			.path = &line->resolved,
			.verbs = policy_verbs_implied(line->verbs, line->deny),
			.layer = (uint8_t)layer,
			.order = (uint32_t)cover->count,
		};
		cover->count++;
	}
}

static int cover_start(struct cover *cover, const struct policy_lines *above,
		       const struct policy_lines *own)
{
	size_t count = own->count + (above ? above->count : 0) + 1;

	cover->items = calloc(count, sizeof(*cover->items));
	cover->levels = calloc(count, sizeof(*cover->levels));
	if (!cover->items || !cover->levels)
		return cover->parser->failed = -ENOMEM;
	add_items(cover, above, LAYER_ABOVE);
	add_items(cover, own, LAYER_OWN);
	if (cover->count)
		qsort(cover->items, cover->count, sizeof(*cover->items), by_item);
	return 0;
}

/* Closes the trees that `path` is not in. */
static void close_levels(struct cover *cover, const struct policy_bytes *path)
{
	while (cover->depth) {
		const struct policy_bytes *tree = cover->levels[cover->depth - 1].path;

		if (policy_path_in(path->bytes, path->size, tree->bytes, tree->size))
			return;
		cover->depth--;
	}
}

/* Opens a level for the items first … end - 1, all of one path. */
static struct level *open_level(struct cover *cover, size_t first, size_t end)
{
	struct level *level = &cover->levels[cover->depth];

	*level = (struct level){ 0 };
	if (cover->depth)
		*level = cover->levels[cover->depth - 1];
	level->path = cover->items[first].path;
	for (size_t i = end; i-- > first;) { /* the first of equals is the one that is kept */
		const struct item *item = &cover->items[i];

		for (int verb = 0; verb < MF_POL_VERB_MAX; verb++) {
			if (item->verbs & MF_POL_BIT(verb))
				*(item->line->deny ? &level->deny[verb] : &level->allow[verb]) =
					item->line;
		}
	}
	cover->depth++;
	return level;
}

/* The line that says the first of the verbs, when all of them are said; NULL: they are not. */
static const struct policy_line *all_said(const struct policy_line *const *said, uint8_t verbs)
{
	const struct policy_line *first = NULL;

	for (int verb = 0; verb < MF_POL_VERB_MAX; verb++) {
		if (!(verbs & MF_POL_BIT(verb)))
			continue;
		if (!said[verb])
			return NULL;
		if (!first)
			first = said[verb];
	}
	return first;
}

/* Another line for the same path that says as much, and stands before or says more. */
static const struct policy_line *said_beside(const struct cover *cover, size_t first, size_t end,
					     const struct item *item)
{
	for (size_t i = first; i < end && i < first + POLICY_CHECK_NEAR_MAX; i++) {
		const struct item *other = &cover->items[i];

		if (other == item || other->line->deny != item->line->deny ||
		    item->verbs & ~other->verbs)
			continue;
		if (other->verbs != item->verbs || other->order < item->order)
			return other->line;
	}
	return NULL;
}

static void tell_covered(struct policy_parser *parser, const struct policy_line *line,
			 const struct policy_line *other)
{
	if (other->where.file == line->where.file && other->where.line == line->where.line)
		return; /* a block that is included on two ways */
	policy_complain_at(parser, POLICY_W_COVERED, &line->where, &other->where, NULL,
			   "another line %s this already", line->deny ? "denies" : "allows");
}

static void tell_never(struct policy_parser *parser, const struct policy_line *line,
		       const struct policy_line *deny)
{
	policy_complain_at(parser, POLICY_W_NEVER, &line->where, &deny->where, NULL,
			   "this never allows anything: a deny holds for all of it");
}

static void check_item(struct cover *cover, size_t first, size_t end, const struct item *item,
		       const struct level *level)
{
	static const struct level nothing;
	const struct level *above = cover->depth > 1 ? level - 1 : &nothing;
	const struct policy_line *other;

	if (item->layer != LAYER_OWN || !policy_line_is_own(cover->parser, item->line))
		return;
	if (!item->line->deny) {
		other = all_said(level->deny, item->line->verbs);
		if (other) {
			tell_never(cover->parser, item->line, other);
			return;
		}
	}
	other = all_said(item->line->deny ? above->deny : above->allow, item->verbs);
	if (!other)
		other = said_beside(cover, first, end, item);
	if (other)
		tell_covered(cover->parser, item->line, other);
}

static size_t group_end(const struct cover *cover, size_t first)
{
	size_t end = first + 1;

	while (end < cover->count && by_path(cover->items[first].path, cover->items[end].path) == 0)
		end++;
	return end;
}

static void check_paths(struct policy_parser *parser, const struct policy_lines *lines,
			const struct policy_lines *base)
{
	_cleanup_(cover_free) struct cover cover = { .parser = parser };

	if (cover_start(&cover, base, lines))
		return;
	for (size_t first = 0, end; !parser->failed && first < cover.count; first = end) {
		const struct level *level;

		end = group_end(&cover, first);
		close_levels(&cover, cover.items[first].path);
		level = open_level(&cover, first, end);
		for (size_t i = first; i < end; i++)
			check_item(&cover, first, end, &cover.items[i], level);
	}
}

static bool prefix_in(const struct policy_line *inner, const struct policy_line *outer)
{
	const struct policy_prefix *a = &inner->prefix, *b = &outer->prefix;
	size_t bytes = b->length / 8;
	uint8_t mask = (uint8_t)(0xff00U >> b->length % 8);

	if (b->any)
		return true;
	if (a->any || a->address.family != b->address.family || a->length < b->length ||
	    memcmp(a->address.addr, b->address.addr, bytes) != 0)
		return false;
	return !mask || !((a->address.addr[bytes] ^ b->address.addr[bytes]) & mask);
}

static bool says_address(const struct policy_line *outer, const struct policy_line *inner)
{
	return outer->kind == POLICY_OBJECT_ADDRESS && !(inner->verbs & ~outer->verbs) &&
	       outer->ports.first <= inner->ports.first && outer->ports.last >= inner->ports.last &&
	       prefix_in(inner, outer);
}

/* Compared with the lines near it only. */
static void check_address(struct policy_parser *parser, const struct policy_lines *lines,
			  size_t index)
{
	const struct policy_line *line = lines->lines[index];
	size_t first = index > POLICY_CHECK_NEAR_MAX ? index - POLICY_CHECK_NEAR_MAX : 0;

	for (size_t i = first; i < lines->count && i < index + POLICY_CHECK_NEAR_MAX; i++) {
		const struct policy_line *other = lines->lines[i];

		if (i == index || !says_address(other, line))
			continue;
		if (!line->deny && other->deny) {
			tell_never(parser, line, other);
			return;
		}
		if (line->deny == other->deny && (i < index || !says_address(line, other))) {
			tell_covered(parser, line, other);
			return;
		}
	}
}

static void check_escape(struct policy_parser *parser, const struct policy_lines *lines,
			 size_t index)
{
	const struct policy_line *line = lines->lines[index];

	for (size_t i = 0; i < lines->count && i < POLICY_CHECK_NEAR_MAX; i++) {
		const struct policy_line *other = lines->lines[i];

		if (i == index || other->kind != POLICY_OBJECT_ESCAPE ||
		    other->escape != line->escape)
			continue;
		if (!line->deny && other->deny) {
			tell_never(parser, line, other);
			return;
		}
		if (line->deny == other->deny && i < index) {
			tell_covered(parser, line, other);
			return;
		}
	}
}

void policy_check_cover(struct policy_parser *parser, const struct policy_lines *lines,
			const struct policy_lines *base)
{
	check_paths(parser, lines, base);
	for (size_t i = 0; !parser->failed && i < lines->count; i++) {
		const struct policy_line *line = lines->lines[i];

		if (!policy_line_is_own(parser, line))
			continue;
		if (line->kind == POLICY_OBJECT_ADDRESS)
			check_address(parser, lines, i);
		else if (line->kind == POLICY_OBJECT_ESCAPE)
			check_escape(parser, lines, i);
	}
}

/* Whether the ceiling allows something below the path that the items up to `end` are for. */
static bool ceiling_goes_on(const struct cover *cover, size_t end, const struct policy_bytes *tree)
{
	for (size_t i = end; i < cover->count && i < end + POLICY_CHECK_NEAR_MAX; i++) {
		const struct item *item = &cover->items[i];

		if (!policy_path_in(item->path->bytes, item->path->size, tree->bytes, tree->size))
			return false;
		if (item->layer == LAYER_ABOVE && !item->line->deny)
			return true;
	}
	return false;
}

void policy_check_ceiling(struct policy_parser *parser, const struct policy_block *ceiling,
			  const struct policy_lines *above, const struct policy_lines *lines)
{
	_cleanup_(cover_free) struct cover cover = { .parser = parser };

	if (cover_start(&cover, above, lines))
		return;
	for (size_t first = 0, end; !parser->failed && first < cover.count; first = end) {
		struct level *level, nothing = { 0 };
		size_t own = 0;

		end = group_end(&cover, first);
		close_levels(&cover, cover.items[first].path);
		while (first + own < end && cover.items[first + own].layer == LAYER_ABOVE)
			own++;
		/* only what the ceiling says is kept; its items come first */
		if (own)
			level = open_level(&cover, first, first + own);
		else
			level = cover.depth ? &cover.levels[cover.depth - 1] : &nothing;
		for (size_t i = first + own; i < end; i++) {
			const struct policy_line *line = cover.items[i].line;

			if (line->deny || !policy_line_is_own(parser, line))
				continue;
			if (!all_said(level->deny, line->verbs) &&
			    (all_said(level->allow, line->verbs) ||
			     ceiling_goes_on(&cover, end, cover.items[i].path)))
				continue;
			policy_complain_at(parser, POLICY_W_CEILING, &line->where, &ceiling->where,
					   NULL, "the ceiling does not allow this");
		}
	}
}
