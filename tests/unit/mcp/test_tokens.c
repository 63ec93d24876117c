/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mcp/reader.h"
#include "mcp/tokens.h"

struct seen {
	struct buf parser; /* what a parser would get */
	struct buf raw; /* what a capture would get */
	size_t biggest;
};

static void on_plain(void *data, const uint8_t *bytes, size_t size)
{
	struct seen *seen = data;

	assert_int_equal(buf_append(&seen->parser, bytes, size), 0);
	assert_int_equal(buf_append(&seen->raw, bytes, size), 0);
}

static void on_raw(void *data, const uint8_t *bytes, size_t size)
{
	struct seen *seen = data;

	assert_int_equal(buf_append(&seen->raw, bytes, size), 0);
}

static void on_token(void *data, const uint8_t *bytes, size_t size)
{
	struct seen *seen = data;

	assert_int_equal(buf_append(&seen->parser, bytes, size), 0);
	if (size > seen->biggest)
		seen->biggest = size;
}

static void run(const char *text, size_t size, size_t piece, struct seen *seen)
{
	struct tokens_sink sink = { on_plain, on_raw, on_token, seen };
	struct tokens tokens = { 0 };

	*seen = (struct seen){ 0 };
	for (size_t at = 0; at < size; at += piece)
		tokens_feed(&tokens, (const uint8_t *)text + at,
			    size - at < piece ? size - at : piece, &sink);
	tokens_finish(&tokens, &sink);
	assert_int_equal(buf_size(&seen->raw), size);
	assert_memory_equal(buf_bytes(&seen->raw), text, size);
	tokens_free(&tokens);
}

static void seen_free(struct seen *seen)
{
	buf_free(&seen->parser);
	buf_free(&seen->raw);
}

static void the_parser_gets_the_same_bytes_in_whatever_pieces(void **state)
{
	const char text[] = "{\"a\\\"b\\u00e4\":[1.5e3,true,\"x{y\"], \"c\":\"\\\\\"}";
	struct seen seen;

	for (size_t piece = 1; piece <= sizeof(text); piece++) {
		run(text, sizeof(text) - 1, piece, &seen);
		assert_int_equal(buf_size(&seen.parser), sizeof(text) - 1);
		assert_memory_equal(buf_bytes(&seen.parser), text, sizeof(text) - 1);
		seen_free(&seen);
	}
}

static void control_characters_in_strings_become_escapes(void **state)
{
	const char text[] = "[\"a\x0b\x01\",\t1]", want[] = "[\"a\\u000b\\u0001\",\t1]";
	struct seen seen;

	for (size_t piece = 1; piece <= sizeof(text); piece++) {
		run(text, sizeof(text) - 1, piece, &seen);
		assert_int_equal(buf_size(&seen.parser), sizeof(want) - 1);
		assert_memory_equal(buf_bytes(&seen.parser), want, sizeof(want) - 1);
		seen_free(&seen);
	}
}

static void a_string_over_the_limit_is_shortened_but_never_inside_an_escape(void **state)
{
	size_t size = 2 * MCP_STRING_MAX + 2, pieces[] = { 1000, 65536, size };
	char *text = malloc(size);
	struct seen seen;

	text[0] = text[size - 1] = '"';
	for (size_t shift = 0; shift < 7; shift++) {
		memset(text + 1, 'x', size - 2);
		for (size_t at = 1 + shift; at + 6 < size - 1; at += 6)
			memcpy(text + at, "\\u00e4", 6);
		for (size_t i = 0; i < 3; i++) {
			const uint8_t *end;

			run(text, size, pieces[i], &seen);
			assert_in_range(buf_size(&seen.parser), MCP_STRING_MAX - 8,
					MCP_STRING_MAX + 1);
			end = buf_bytes(&seen.parser) + buf_size(&seen.parser);
			assert_true(!memcmp(end - 7, "\\u00e4\"", 7));
			seen_free(&seen);
		}
	}
	free(text);
}

static void a_number_without_end_is_shortened(void **state)
{
	size_t size = 1 << 20;
	char *text = malloc(size);
	struct seen seen;

	memset(text, '7', size);
	run(text, size, 65536, &seen);
	assert_in_range(buf_size(&seen.parser), 1, 65536);
	seen_free(&seen);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_parser_gets_the_same_bytes_in_whatever_pieces),
		cmocka_unit_test(control_characters_in_strings_become_escapes),
		cmocka_unit_test(a_string_over_the_limit_is_shortened_but_never_inside_an_escape),
		cmocka_unit_test(a_number_without_end_is_shortened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
