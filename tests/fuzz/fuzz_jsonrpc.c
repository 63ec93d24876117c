/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One line read at once and read in pieces (their size is the first byte of the input) must mean
 * the same.
 */

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "mcp/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void put(struct buf *out, const void *bytes, size_t size)
{
	check(buf_append(out, &size, sizeof(size)) == 0);
	check(buf_append(out, bytes, size) == 0);
}

static void put_text(struct buf *out, const struct mcp_text *text)
{
	put(out, text->data, text->size);
}

static void put_id(struct buf *out, const struct mcp_id *id)
{
	put(out, &id->kind, sizeof(id->kind));
	put_text(out, &id->raw);
	put_text(out, &id->text);
	put(out, &id->raw_total, sizeof(id->raw_total));
}

static void put_message(struct buf *out, const struct mcp_message *message)
{
	const bool bits[] = { message->has_method, message->has_result, message->has_error,
			      message->is_cancel,  message->is_error,	message->is_task };

	put(out, bits, sizeof(bits));
	put(out, &message->flags, sizeof(message->flags));
	put(out, &message->method, sizeof(message->method));
	put_id(out, &message->id);
	put_id(out, &message->request_id);
	put_text(out, &message->method_text);
	put_text(out, &message->tool);
	put_text(out, &message->args);
	put(out, &message->args_total, sizeof(message->args_total));
	put(out, message->args_sha256, sizeof(message->args_sha256));
	put_text(out, &message->traceparent);
	put_text(out, &message->text);
	put_text(out, &message->task_id);
	put_text(out, &message->related_task);
	put_text(out, &message->server_name);
	for (size_t i = 0; i < message->tool_count; i++) {
		put_text(out, &message->tools[i].name);
		put(out, message->tools[i].sha256, 32);
	}
}

static void read_line(const uint8_t *data, size_t size, size_t piece, struct buf *out)
{
	_cleanup_mcp_reader_ struct mcp_reader *reader = NULL;
	struct mcp_line line;

	check(mcp_reader_new(&reader) == 0);
	for (size_t at = 0; at < size; at += piece)
		mcp_reader_feed(reader, data + at, size - at < piece ? size - at : piece);
	mcp_reader_finish(reader, &line);
	put(out, &line.state, sizeof(line.state));
	put(out, &line.bad_utf8, sizeof(line.bad_utf8));
	if (line.state != MCP_LINE_READ)
		return;
	put(out, &line.batch, sizeof(line.batch));
	for (size_t i = 0; i < line.count; i++)
		put_message(out, &line.messages[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct buf whole = { 0 }, pieces = { 0 };

	if (!size || memchr(data, '\n', size))
		return 0;
	read_line(data + 1, size - 1, size, &whole);
	read_line(data + 1, size - 1, data[0] ? data[0] : 1, &pieces);
	check(buf_size(&whole) == buf_size(&pieces) &&
	      !memcmp(buf_bytes(&whole), buf_bytes(&pieces), buf_size(&whole)));
	return 0;
}
