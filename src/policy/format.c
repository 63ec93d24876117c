/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/format.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/lex.h"
#include "policy/words.h"

#define OBJECT_COLUMN 8 /* behind the longest keyword */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define COMMENT_COLUMN_MAX 64 /* lines that are longer do not move the comments of others */

enum line_kind {
	LINE_EMPTY = 0,
	LINE_COMMENT = 1,
	LINE_HEAD = 2, /* begins a block */
	LINE_TOP = 3, /* version, default */
	LINE_RULE = 4,
	LINE_BROKEN = 5,
};

struct formatted {
	enum line_kind kind;
	bool at_margin;
	char *text; /* without indent and comment; it may hold NULs */
	size_t size;
	size_t width; /* in characters, with the indent */
	const char *comment; /* into the source; NULL: none */
	size_t comment_size;
	const char *source; /* as it was written */
	size_t source_size;
};

struct formatter {
	struct policy_lexer lexer;
	struct policy_lex_line line;
	struct formatted *lines;
	size_t count, capacity;
};

static void formatter_free(struct formatter **slot)
{
	for (size_t i = 0; *slot && i < (*slot)->count; i++)
		free((*slot)->lines[i].text);
	if (*slot)
		free((*slot)->lines);
	free(*slot);
}

static size_t width_of(const char *text, size_t size)
{
	size_t width = 0;

	for (size_t i = 0; i < size; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

static enum line_kind kind_of(const struct policy_lex_line *line)
{
	int keyword;

	if (line->error != POLICY_LEX_OK || line->count > POLICY_LEX_WORDS)
		return LINE_BROKEN;
	if (!line->count)
		return line->comment ? LINE_COMMENT : LINE_EMPTY;
	keyword = policy_keyword_find(line->words[0].bytes, line->words[0].size);
	if (keyword == POLICY_KEY_VERSION || keyword == POLICY_KEY_DEFAULT)
		return LINE_TOP;
	return keyword > 0 && policy_keywords[keyword].head ? LINE_HEAD : LINE_RULE;
}

/* `source` is the whole line; words are put as they were written. */
static int write_words(struct buf *out, const struct policy_lex_line *line, const char *source,
		       bool padded)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < line->count; i++) {
		const struct policy_lex_word *word = &line->words[i];

		r = buf_append(out, source + word->column - 1, word->width);
		if (r == 0 && i + 1 < line->count)
			r = buf_append_str(out, " ");
		while (r == 0 && i == 0 && padded && line->count > 1 &&
		       buf_size(out) < OBJECT_COLUMN)
			r = buf_append_str(out, " ");
	}
	return r;
}

static size_t trimmed(const char *text, size_t size)
{
	while (size && (text[size - 1] == ' ' || text[size - 1] == '\t' || text[size - 1] == '\r'))
		size--;
	return size;
}

static int take_line(struct formatter *formatter, const char *source, size_t size)
{
	const struct policy_lex_line *line = &formatter->line;
	_cleanup_buf_ struct buf text = { 0 };
	struct formatted *to;
	int r = 0;

	if (formatter->count == formatter->capacity) {
		size_t capacity = formatter->capacity ? formatter->capacity * 2 : 64;
		struct formatted *lines = reallocarray(formatter->lines, capacity, sizeof(*lines));

		if (!lines)
			return -ENOMEM;
		formatter->lines = lines;
		formatter->capacity = capacity;
	}
	to = &formatter->lines[formatter->count];
	*to = (struct formatted){ .kind = kind_of(line), .source = source, .source_size = size };
	to->at_margin = to->kind == LINE_HEAD || to->kind == LINE_TOP || to->kind == LINE_BROKEN;
	if (to->kind == LINE_BROKEN)
		r = buf_append(&text, source, size);
	else
		r = write_words(&text, line, source, to->kind == LINE_RULE);
	if (r == 0 && to->kind != LINE_BROKEN && line->comment) {
		to->comment = line->comment;
		to->comment_size = trimmed(line->comment, line->comment_size);
	}
	to->width =
		width_of((const char *)buf_bytes(&text), buf_size(&text)) + (to->at_margin ? 0 : 2);
	to->size = buf_size(&text);
	to->text = r == 0 ? malloc(to->size + 1) : NULL;
	if (!to->text)
		return -ENOMEM;
	memcpy(to->text, buf_bytes(&text), to->size);
	formatter->count++;
	return 0;
}

/* Comments right above a head belong to it; others to the block that they stand in. */
static void place_comments(struct formatter *formatter)
{
	bool in_block = false;

	for (size_t i = 0; i < formatter->count; i++) {
		struct formatted *line = &formatter->lines[i];
		size_t next = i;

		if (line->kind == LINE_HEAD)
			in_block = true;
		else if (line->kind == LINE_TOP)
			in_block = false;
		if (line->kind != LINE_COMMENT)
			continue;
		while (next < formatter->count && formatter->lines[next].kind == LINE_COMMENT)
			next++;
		line->at_margin = !in_block || (next < formatter->count &&
						(formatter->lines[next].kind == LINE_HEAD ||
						 formatter->lines[next].kind == LINE_TOP));
	}
}

/* The column of the comments behind the lines from `first` to the next empty line. */
static size_t comment_column(const struct formatter *formatter, size_t first, size_t *ret_end)
{
	size_t column = 0, end = first;

	for (; end < formatter->count && formatter->lines[end].kind != LINE_EMPTY; end++) {
		const struct formatted *line = &formatter->lines[end];

		if (end > first && line->kind == LINE_HEAD)
			break;
		if (line->comment && line->width && line->kind != LINE_COMMENT &&
		    line->width <= COMMENT_COLUMN_MAX && line->width > column)
			column = line->width;
	}
	*ret_end = end > first ? end : first + 1;
	return column + 2;
}

static int lay_out_line(struct buf *out, const struct formatted *line, size_t column)
{
	bool comment_only = line->kind == LINE_COMMENT;
	int r = line->at_margin ? 0 : buf_append_str(out, "  ");

	if (r == 0 && !comment_only)
		r = buf_append(out, line->text, line->size);
	for (size_t width = line->width;
	     r == 0 && line->comment && !comment_only &&
	     (width == line->width || width == line->width + 1 || width < column);
	     width++)
		r = buf_append_str(out, " ");
	if (r == 0 && line->comment)
		r = buf_append(out, line->comment, line->comment_size);
	return r;
}

/* What its layout would make too long to be read stays as it was written. */
static int write_line(struct buf *out, const struct formatted *line, size_t column)
{
	_cleanup_buf_ struct buf laid_out = { 0 };
	int r = lay_out_line(&laid_out, line, column);

	if (r == 0 && buf_size(&laid_out) > POLICY_LINE_MAX)
		r = buf_append(out, line->source, line->source_size);
	else if (r == 0)
		r = buf_append(out, buf_bytes(&laid_out), buf_size(&laid_out));
	return r ? r : buf_append_str(out, "\n");
}

/* Whether an empty line has to stand before this one, which is not the first. */
static bool wants_space(const struct formatter *formatter, size_t index)
{
	const struct formatted *lines = formatter->lines;

	if (lines[index].kind != LINE_HEAD && lines[index].kind != LINE_COMMENT)
		return false;
	if (!lines[index].at_margin || lines[index - 1].kind == LINE_COMMENT)
		return lines[index].kind == LINE_HEAD && !lines[index - 1].at_margin;
	while (index < formatter->count && lines[index].kind == LINE_COMMENT)
		index++;
	return index < formatter->count && lines[index].kind == LINE_HEAD;
}

static bool begins_with_mark(const struct formatted *line)
{
	return line->size >= strlen(BYTE_ORDER_MARK) &&
	       memcmp(line->text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0;
}

static int write_lines(const struct formatter *formatter, struct buf *out)
{
	size_t group_end = 0, column = 0;
	bool space = false, any = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < formatter->count; i++) {
		if (formatter->lines[i].kind == LINE_EMPTY) {
			space = any;
			continue;
		}
		if (i >= group_end || formatter->lines[i].kind == LINE_HEAD)
			column = comment_column(formatter, i, &group_end);
		if (any && (space || wants_space(formatter, i)))
			r = buf_append_str(out, "\n");
		/* a mark that was no line's before it stood first: the one in front is passed over */
		if (r == 0 && !any && begins_with_mark(&formatter->lines[i]))
			r = buf_append_str(out, BYTE_ORDER_MARK);
		if (r == 0)
			r = write_line(out, &formatter->lines[i], column);
		space = false;
		any = true;
	}
	return r;
}

/* The next line as it stands, without what ends it. */
static const char *next_line(struct formatter *formatter, size_t *ret_size)
{
	const char *begin = formatter->lexer.at, *end;

	if (!policy_lexer_next(&formatter->lexer, &formatter->line))
		return NULL;
	end = formatter->lexer.at;
	end -= end > begin && end[-1] == '\n';
	/* one ends the line; of several the last but one is a character of it, and would end it then */
	if (end > begin && end[-1] == '\r' && (end - begin == 1 || end[-2] != '\r'))
		end--;
	*ret_size = (size_t)(end - begin);
	return begin;
}

int policy_format_check(const char *text, size_t size,
			int (*each)(void *data, const struct policy_format_fault *fault),
			void *data)
{
	_cleanup_(formatter_free) struct formatter *formatter = calloc(1, sizeof(*formatter));
	const char *line;
	size_t length;
	int r = 0;

	if (!formatter)
		return -ENOMEM;
	policy_lexer_init(&formatter->lexer, text, size);
	while (r == 0 && (line = next_line(formatter, &length))) {
		struct policy_format_fault fault = { .line = formatter->line.number };
		enum policy_lex_error error =
			policy_lex_unprintable(&formatter->line, line, length, &fault.column);

		if (error == POLICY_LEX_OK)
			continue;
		fault.text = policy_lex_error_text(error);
		r = each(data, &fault);
	}
	return r;
}

int policy_format(const char *text, size_t size, struct buf *out)
{
	_cleanup_(formatter_free) struct formatter *formatter = calloc(1, sizeof(*formatter));
	const char *line;
	size_t length;
	int r = 0;

	if (!formatter)
		return -ENOMEM;
	policy_lexer_init(&formatter->lexer, text, size);
	while (r == 0 && (line = next_line(formatter, &length)))
		r = take_line(formatter, line, length);
	if (r < 0)
		return r;
	place_comments(formatter);
	return write_lines(formatter, out);
}
