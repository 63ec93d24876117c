/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/lex.h"

#include <ctype.h>
#include <string.h>

#include "base/escape.h"

void policy_lexer_init(struct policy_lexer *lexer, const char *text, size_t size)
{
	lexer->at = text;
	lexer->end = text + size;
	lexer->number = 0;
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		lexer->at += 3;
}

/* One line being read. */
struct reading {
	struct policy_lexer *lexer;
	struct policy_lex_line *line;
	const char *first, *at, *end;
};

static int fail(struct reading *reading, enum policy_lex_error error)
{
	reading->line->error = error;
	reading->line->error_column = (uint32_t)(reading->at - reading->first) + 1;
	return -1;
}

static void put(struct reading *reading, char byte, bool literal)
{
	struct policy_lexer *lexer = reading->lexer;

	lexer->bytes[lexer->used] = byte;
	lexer->literal[lexer->used++] = literal;
}

static void put_code(struct reading *reading, unsigned code)
{
	if (code < 0x80) {
		put(reading, (char)code, true);
		return;
	}
	if (code < 0x800) {
		put(reading, (char)(0xc0 | code >> 6), true);
	} else {
		if (code < 0x10000) {
			put(reading, (char)(0xe0 | code >> 12), true);
		} else {
			put(reading, (char)(0xf0 | code >> 18), true);
			put(reading, (char)(0x80 | (code >> 12 & 0x3f)), true);
		}
		put(reading, (char)(0x80 | (code >> 6 & 0x3f)), true);
	}
	put(reading, (char)(0x80 | (code & 0x3f)), true);
}

/* `count` hexadecimal digits, or up to six before a } when it is 0. Returns how many, 0: none. */
static size_t hex_digits(const char *at, const char *end, size_t count, unsigned *ret_value)
{
	size_t max = count ? count : 6, n = 0;

	*ret_value = 0;
	while (n < max && at + n < end && isxdigit((unsigned char)at[n])) {
		unsigned char c = (unsigned char)at[n++];

		*ret_value =
			*ret_value * 16 + (unsigned)(isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return count && n < count ? 0 : n;
}

/* \u{H…}; the place is behind the u. */
static int read_code(struct reading *reading, const char *at)
{
	unsigned code;
	size_t digits;

	if (at >= reading->end || *at != '{')
		return fail(reading, POLICY_LEX_ESCAPE);
	digits = hex_digits(at + 1, reading->end, 0, &code);
	at += 1 + digits;
	if (!digits || at >= reading->end || *at != '}' || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return fail(reading, POLICY_LEX_ESCAPE);
	put_code(reading, code);
	reading->at = at + 1;
	return 0;
}

static int read_escape(struct reading *reading)
{
	static const char names[] = "\\\"*$ntr", values[] = "\\\"*$\n\t\r";
	const char *at = reading->at + 1, *name;
	unsigned value;

	if (at >= reading->end)
		return fail(reading, POLICY_LEX_ESCAPE);
	if (*at == 'u')
		return read_code(reading, at + 1);
	if (*at == 'x') {
		if (!hex_digits(at + 1, reading->end, 2, &value))
			return fail(reading, POLICY_LEX_ESCAPE);
		put(reading, (char)value, true);
		reading->at = at + 3;
		return 0;
	}
	name = *at ? strchr(names, *at) : NULL;
	if (!name)
		return fail(reading, POLICY_LEX_ESCAPE);
	put(reading, values[name - names], true);
	reading->at = at + 1;
	return 0;
}

/* What is not seen could make two lines that differ look alike, so it must be escaped. */
static int read_character(struct reading *reading)
{
	char shown_bytes[16];
	struct buf shown = { .data = (uint8_t *)shown_bytes, .capacity = sizeof(shown_bytes) };
	size_t left = (size_t)(reading->end - reading->at), length;
	unsigned code;

	if (isascii((unsigned char)*reading->at) && isprint((unsigned char)*reading->at)) {
		put(reading, *reading->at++, false);
		return 0;
	}
	length = utf8_sequence((const unsigned char *)reading->at, left, &code);
	if (!length)
		return fail(reading, POLICY_LEX_UTF8);
	/* at most \u{10ffff}: it fits, so nothing is allocated */
	if (escape_text(&shown, reading->at, length) || buf_bytes(&shown)[0] == '\\')
		return fail(reading, POLICY_LEX_HIDDEN);
	for (size_t i = 0; i < length; i++)
		put(reading, *reading->at++, false);
	return 0;
}

static int read_quoted(struct reading *reading)
{
	const char *open = reading->at++;

	while (reading->at < reading->end && *reading->at != '"') {
		if (*reading->at == '\\' ? read_escape(reading) : read_character(reading))
			return -1;
	}
	if (reading->at >= reading->end) {
		reading->at = open;
		return fail(reading, POLICY_LEX_OPEN);
	}
	reading->at++;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int read_word(struct reading *reading)
{
	struct policy_lexer *lexer = reading->lexer;
	struct policy_lex_line *line = reading->line;
	const char *begin = reading->at;
	size_t first = lexer->used;

	while (reading->at < reading->end && !is_blank(*reading->at)) {
		if (*reading->at == '"' ? read_quoted(reading) : read_character(reading))
			return -1;
	}
	if (line->count < POLICY_LEX_WORDS)
		line->words[line->count] = (struct policy_lex_word){
			.column = (uint32_t)(begin - reading->first) + 1,
			.width = (uint32_t)(reading->at - begin),
			.bytes = lexer->bytes + first,
			.literal = lexer->literal + first,
			.size = lexer->used - first,
		};
	if (!line->count++)
		line->text = begin;
	line->text_size = (size_t)(reading->at - line->text);
	return 0;
}

/* Marks that change the direction of text: with them a line can look like another one. */
static bool is_direction(unsigned code)
{
	return code == 0x61c || code == 0x200e || code == 0x200f ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* A terminal takes those for commands, the second row of them, too. */
static bool is_control(unsigned code)
{
	return (code < 0x20 && code != '\t') || (code >= 0x7f && code <= 0x9f);
}

static void read_comment(struct reading *reading)
{
	const char *begin = reading->at;

	while (reading->at < reading->end) {
		unsigned code;
		size_t length = utf8_sequence((const unsigned char *)reading->at,
					      (size_t)(reading->end - reading->at), &code);

		if (!length) {
			fail(reading, POLICY_LEX_UTF8);
			return;
		}
		if (is_direction(code) || is_control(code)) {
			fail(reading, POLICY_LEX_HIDDEN);
			return;
		}
		reading->at += length;
	}
	reading->line->comment = begin;
	reading->line->comment_size = (size_t)(reading->end - begin);
}

static void read_line(struct reading *reading)
{
	if (reading->end - reading->first > POLICY_LINE_MAX) {
		fail(reading, POLICY_LEX_LONG);
		return;
	}
	for (;;) {
		while (reading->at < reading->end && is_blank(*reading->at))
			reading->at++;
		if (reading->at >= reading->end)
			return;
		if (*reading->at == '#') {
			read_comment(reading);
			return;
		}
		if (read_word(reading))
			return;
	}
}

int policy_lexer_next(struct policy_lexer *lexer, struct policy_lex_line *ret_line)
{
	struct reading reading = { .lexer = lexer, .line = ret_line, .first = lexer->at };
	const char *newline;

	if (lexer->at >= lexer->end)
		return 0;
	newline = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));
	reading.at = lexer->at;
	reading.end = newline ? newline : lexer->end;
	lexer->at = newline ? newline + 1 : lexer->end;
	lexer->used = 0;
	if (reading.end > reading.first && reading.end[-1] == '\r')
		reading.end--;
	*ret_line = (struct policy_lex_line){ .number = ++lexer->number };
	read_line(&reading);
	return 1;
}

enum policy_lex_error policy_lex_unprintable(const struct policy_lex_line *line, const char *text,
					     size_t size, uint32_t *ret_column)
{
	struct policy_lex_line rest = { .number = line->number };
	struct reading reading = { .line = &rest, .first = text, .at = text, .end = text + size };

	if (line->error == POLICY_LEX_HIDDEN || line->error == POLICY_LEX_UTF8) {
		*ret_column = line->error_column;
		return line->error;
	}
	if (line->error == POLICY_LEX_OK)
		return POLICY_LEX_OK;
	read_comment(&reading); /* what may stand there can be printed */
	*ret_column = rest.error_column;
	return rest.error;
}

const char *policy_lex_error_text(enum policy_lex_error error)
{
	static const char *const texts[] = {
		[POLICY_LEX_OK] = "",
		[POLICY_LEX_LONG] = "the line is too long: at most 16384 bytes",
		[POLICY_LEX_HIDDEN] = "a character that is not seen; in \"\" it can be written as "
				      "\\xHH or \\u{HHHH}",
		[POLICY_LEX_UTF8] = "a byte that is no UTF-8; in \"\" it can be written as \\xHH",
		[POLICY_LEX_OPEN] = "the quote that begins here is not closed",
		[POLICY_LEX_ESCAPE] = "expected \\\\ \\\" \\* \\$ \\n \\t \\r \\xHH or "
				      "\\u{HHHH} in a quote",
	};

	return texts[error];
}
