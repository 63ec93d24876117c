/* SPDX-License-Identifier: BSD-2-Clause */
#include "mcp/tokens.h"

#include <string.h>

#include "mcp/reader.h"

#define WORD_MAX (64U << 10)
#define TOKEN_KEEP (64U << 10)

void tokens_reset(struct tokens *tokens)
{
	buf_reset(&tokens->token, TOKEN_KEEP);
	tokens->state = TOKENS_OUTSIDE;
	tokens->held = tokens->failed = tokens->elided = false;
	tokens->escape_size = 0;
}

void tokens_free(struct tokens *tokens)
{
	buf_free(&tokens->token);
}

static bool is_delimiter(uint8_t c)
{
	switch (c) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
	case '{':
	case '}':
	case '[':
	case ']':
	case ',':
	case ':':
	case '"':
		return true;
	default:
		return false;
	}
}

static void token_append(struct tokens *tokens, const uint8_t *bytes, size_t size, size_t limit)
{
	size_t used = buf_size(&tokens->token);

	if (tokens->elided || used >= limit) {
		tokens->elided = true;
		return;
	}
	if (size > limit - used) {
		size = limit - used;
		tokens->elided = true;
	}
	if (buf_append(&tokens->token, bytes, size) < 0)
		tokens->failed = true;
}

static void token_done(struct tokens *tokens, const struct tokens_sink *sink)
{
	sink->token(sink->data, buf_bytes(&tokens->token), buf_size(&tokens->token));
	buf_reset(&tokens->token, TOKEN_KEEP);
	tokens->held = tokens->elided = false;
	tokens->state = TOKENS_OUTSIDE;
	tokens->escape_size = 0;
}

/* One more byte of the escape that has begun. Returns true when it is complete. */
static bool escape_step(struct tokens *tokens, uint8_t c)
{
	tokens->escape[tokens->escape_size++] = c;
	return tokens->escape_size == (tokens->escape[1] == 'u' ? 6 : 2);
}

/* A string that is not held, from `at` on. Returns where it stopped; *ret_hold: hold it instead. */
static size_t string_plain(struct tokens *tokens, const uint8_t *bytes, size_t at, size_t size,
			   bool *ret_hold)
{
	for (; at < size; at++) {
		uint8_t c = bytes[at];

		if (tokens->escape_size) {
			if (escape_step(tokens, c))
				tokens->escape_size = 0;
		} else if (c == '\\') {
			tokens->escape[0] = c;
			tokens->escape_size = 1;
		} else if (c == '"') {
			tokens->state = TOKENS_OUTSIDE;
			return at + 1;
		} else if (c < 0x20) {
			*ret_hold = true;
			return at;
		}
	}
	*ret_hold = true;
	return at;
}

static void string_special(struct tokens *tokens, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";

	if (c < 0x20) {
		const uint8_t escape[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

		if (buf_size(&tokens->token) + sizeof(escape) <= MCP_STRING_MAX)
			token_append(tokens, escape, sizeof(escape), MCP_STRING_MAX);
		else
			tokens->elided = true;
		return;
	}
	tokens->escape[0] = c;
	tokens->escape_size = 1;
}

/* A held string from `at` on, which may be its opening quote. */
static size_t string_held(struct tokens *tokens, const uint8_t *bytes, size_t at, size_t size,
			  const struct tokens_sink *sink)
{
	size_t first = at;

	if (!buf_size(&tokens->token))
		token_append(tokens, &bytes[at++], 1, MCP_STRING_MAX);
	while (at < size) {
		size_t run = at;

		if (tokens->escape_size) {
			bool whole = escape_step(tokens, bytes[at++]);

			if (!whole)
				continue;
			if (buf_size(&tokens->token) + tokens->escape_size <= MCP_STRING_MAX)
				token_append(tokens, tokens->escape, tokens->escape_size,
					     MCP_STRING_MAX);
			else
				tokens->elided = true;
			tokens->escape_size = 0;
			continue;
		}
		while (run < size && bytes[run] >= 0x20 && bytes[run] != '"' && bytes[run] != '\\')
			run++;
		token_append(tokens, bytes + at, run - at, MCP_STRING_MAX);
		at = run;
		if (at == size)
			break;
		if (bytes[at] == '"') {
			tokens->elided = false;
			token_append(tokens, &bytes[at++], 1, SIZE_MAX);
			sink->raw(sink->data, bytes + first, at - first);
			token_done(tokens, sink);
			return at;
		}
		string_special(tokens, bytes[at++]);
	}
	sink->raw(sink->data, bytes + first, at - first);
	return at;
}

static size_t word_end(const uint8_t *bytes, size_t at, size_t size)
{
	while (at < size && !is_delimiter(bytes[at]))
		at++;
	return at;
}

static size_t word_held(struct tokens *tokens, const uint8_t *bytes, size_t at, size_t size,
			const struct tokens_sink *sink)
{
	size_t end = word_end(bytes, at, size);

	token_append(tokens, bytes + at, end - at, WORD_MAX);
	sink->raw(sink->data, bytes + at, end - at);
	if (end < size)
		token_done(tokens, sink);
	return end;
}

static size_t held_feed(struct tokens *tokens, const uint8_t *bytes, size_t at, size_t size,
			const struct tokens_sink *sink)
{
	return tokens->state == TOKENS_STRING ? string_held(tokens, bytes, at, size, sink)
					      : word_held(tokens, bytes, at, size, sink);
}

void tokens_feed(struct tokens *tokens, const uint8_t *bytes, size_t size,
		 const struct tokens_sink *sink)
{
	size_t at = 0, plain = 0;

	if (size && tokens->held)
		plain = at = held_feed(tokens, bytes, at, size, sink);
	while (at < size) {
		size_t start = at;
		bool hold = false;

		if (is_delimiter(bytes[at]) && bytes[at] != '"') {
			at++;
			continue;
		}
		if (bytes[at] == '"') {
			tokens->state = TOKENS_STRING;
			at = string_plain(tokens, bytes, at + 1, size, &hold);
			hold |= at - start > MCP_STRING_MAX;
		} else {
			tokens->state = TOKENS_WORD;
			at = word_end(bytes, at, size);
			hold = at == size || at - start > WORD_MAX;
		}
		if (!hold) {
			tokens->state = TOKENS_OUTSIDE;
			continue;
		}
		if (start > plain)
			sink->plain(sink->data, bytes + plain, start - plain);
		tokens->held = true;
		tokens->escape_size = 0;
		tokens->state = bytes[start] == '"' ? TOKENS_STRING : TOKENS_WORD;
		plain = at = held_feed(tokens, bytes, start, size, sink);
	}
	if (size > plain)
		sink->plain(sink->data, bytes + plain, size - plain);
}

void tokens_finish(struct tokens *tokens, const struct tokens_sink *sink)
{
	if (tokens->held)
		token_done(tokens, sink);
}
