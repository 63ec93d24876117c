/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Policy text as lines of words. Blanks and tabs part words; a # that begins a word begins a
 * comment; a word, or a part of one, may stand in double quotes, where \\ \" \* \$ \n \t \r \xHH
 * and \u{H…} are escapes: what escape_text() prints, put in quotes, is read back as it was.
 * Outside of quotes a backslash is an ordinary byte.
 */

#include "policy/source.h"

#define POLICY_LEX_WORDS 8 /* words of a line that are kept; no line takes as many */

struct policy_lex_word {
	uint32_t column; /* 1 …, of its first byte, quotes included */
	uint32_t width; /* bytes of the text that it takes */
	const char *bytes; /* quotes and escapes undone */
	const uint8_t *literal; /* 1 for each byte that was escaped: a * or $ that means itself */
	size_t size;
};

enum policy_lex_error {
	POLICY_LEX_OK = 0,
	POLICY_LEX_LONG = 1, /* over POLICY_LINE_MAX */
	POLICY_LEX_HIDDEN = 2, /* a control or a character that is not seen, not escaped */
	POLICY_LEX_UTF8 = 3,
	POLICY_LEX_OPEN = 4, /* a quote that is not closed */
	POLICY_LEX_ESCAPE = 5, /* no such escape */
};

struct policy_lex_line {
	uint32_t number; /* 1 … */
	struct policy_lex_word words[POLICY_LEX_WORDS];
	size_t count; /* of words, those that are not kept included */
	const char *text; /* the line from its first word to the end of its last one */
	size_t text_size;
	const char *comment; /* from its #; NULL: none */
	size_t comment_size;
	enum policy_lex_error error; /* the first one; the words before it are there */
	uint32_t error_column;
};

struct policy_lexer {
	const char *at, *end;
	uint32_t number;
	char bytes[POLICY_LINE_MAX]; /* of the words of one line */
	uint8_t literal[POLICY_LINE_MAX];
	size_t used;
};

/* The text is borrowed. A byte order mark at its beginning is passed over. */
void policy_lexer_init(struct policy_lexer *lexer, const char *text, size_t size);
/* For people. */
const char *policy_lex_error_text(enum policy_lex_error error);
/*
 * What of a line with an error, whole in `text`, must not be printed as it stands, and where:
 * POLICY_LEX_HIDDEN or POLICY_LEX_UTF8; POLICY_LEX_OK: nothing.
 */
enum policy_lex_error policy_lex_unprintable(const struct policy_lex_line *line, const char *text,
					     size_t size, uint32_t *ret_column);
/* The next line, which is valid until the next call. 1, or 0 at the end of the text. */
int policy_lexer_next(struct policy_lexer *lexer, struct policy_lex_line *ret_line);
