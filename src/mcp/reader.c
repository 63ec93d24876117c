/* SPDX-License-Identifier: BSD-2-Clause */
#include "mcp/reader.h"

#include <malloc.h>

#include "mcp/reader_internal.h"

/* yajl grows its stack of nested levels by 128 at a time; a million levels would copy it 8,000
 * times. */
static void *grow_ahead(void *ctx, void *old, size_t size)
{
	if (old && malloc_usable_size(old) >= size)
		return old;
	return realloc(old, size + size / 2);
}

static void *alloc(void *ctx, size_t size)
{
	return malloc(size);
}

static void give_back(void *ctx, void *old)
{
	free(old);
}

static yajl_alloc_funcs alloc_functions = { alloc, grow_ahead, give_back, NULL };

int mcp_reader_new(struct mcp_reader **ret_reader)
{
	struct mcp_reader *reader;

	if (sodium_init() < 0)
		return -EIO;
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	*ret_reader = reader;
	return 0;
}

void mcp_reader_free(struct mcp_reader **slot)
{
	struct mcp_reader *reader = *slot;

	if (!reader)
		return;
	if (reader->yajl)
		yajl_free(reader->yajl);
	tokens_free(&reader->tokens);
	buf_free(&reader->capture.bytes);
	arena_free(&reader->arena);
	free(reader->messages);
	free(reader->tools);
	free(reader);
	*slot = NULL;
}

static void line_begin(struct mcp_reader *reader)
{
	tokens_reset(&reader->tokens);
	arena_reset(&reader->arena);
	reader->utf8 = (struct utf8_check){ 0 };
	reader->any = reader->batch = reader->more = false;
	reader->capture.active = reader->capture.failed = false;
	reader->places[0] = PLACE_ROOT;
	reader->depth = 0;
	reader->skip = 0;
	reader->key = NULL;
	reader->message = NULL;
	reader->count = reader->tool_count = 0;
	reader->yajl = yajl_alloc(&meaning_callbacks, &alloc_functions, reader);
	reader->failed = !reader->yajl;
	/* invalid UTF-8 is for our own check to find: the peers do not stop at it */
	if (reader->yajl)
		yajl_config(reader->yajl, yajl_dont_validate_strings, 1);
}

static void parse(struct mcp_reader *reader, const uint8_t *chunk, const uint8_t *bytes,
		  size_t size)
{
	if (reader->failed)
		return;
	reader->chunk = chunk;
	reader->capture_from = 0;
	if (yajl_parse(reader->yajl, bytes, size) != yajl_status_ok) {
		reader->failed = true;
		return;
	}
	if (chunk && reader->capture.active && size > reader->capture_from)
		capture_feed(&reader->capture, chunk + reader->capture_from,
			     size - reader->capture_from);
}

static void on_plain(void *data, const uint8_t *bytes, size_t size)
{
	parse(data, bytes, bytes, size);
}

static void on_raw(void *data, const uint8_t *bytes, size_t size)
{
	struct mcp_reader *reader = data;

	if (reader->capture.active)
		capture_feed(&reader->capture, bytes, size);
}

static void on_token(void *data, const uint8_t *bytes, size_t size)
{
	parse(data, NULL, bytes, size);
}

static const struct tokens_sink reader_sink = {
	.plain = on_plain,
	.raw = on_raw,
	.token = on_token,
};

static bool is_blank(const uint8_t *bytes, size_t size)
{
	while (size && (*bytes == ' ' || *bytes == '\t' || *bytes == '\r')) {
		bytes++;
		size--;
	}
	return !size;
}

void mcp_reader_feed(struct mcp_reader *reader, const uint8_t *bytes, size_t size)
{
	struct tokens_sink sink = reader_sink;

	if (!reader->yajl) {
		line_begin(reader);
		if (!reader->yajl)
			return;
	}
	if (!reader->any)
		reader->any = !is_blank(bytes, size);
	utf8_check_feed(&reader->utf8, bytes, size);
	if (reader->failed || !reader->any)
		return;
	sink.data = reader;
	tokens_feed(&reader->tokens, bytes, size, &sink);
	reader->failed |= reader->tokens.failed;
}

static enum mcp_line_state line_end(struct mcp_reader *reader)
{
	struct tokens_sink sink = reader_sink;

	if (!reader->any)
		return reader->yajl ? MCP_LINE_EMPTY : MCP_LINE_UNREADABLE;
	sink.data = reader;
	if (!reader->failed)
		tokens_finish(&reader->tokens, &sink);
	reader->chunk = NULL;
	if (!reader->failed && yajl_complete_parse(reader->yajl) != yajl_status_ok)
		reader->failed = true;
	return reader->failed ? MCP_LINE_UNREADABLE : MCP_LINE_READ;
}

void mcp_reader_finish(struct mcp_reader *reader, struct mcp_line *ret_line)
{
	enum mcp_line_state state;

	if (!reader->yajl)
		line_begin(reader);
	state = line_end(reader);
	*ret_line = (struct mcp_line){
		.state = state,
		.bad_utf8 = !utf8_check_end(&reader->utf8),
		.batch = reader->batch,
		.more = reader->more,
		.messages = reader->messages,
		.count = state == MCP_LINE_READ ? reader->count : 0,
	};
	if (reader->yajl)
		yajl_free(reader->yajl);
	reader->yajl = NULL;
}
