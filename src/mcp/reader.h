/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Reads one line after the other, each in pieces of any size. Memory is bounded whatever the size
 * of a line: strings over 256 KiB are elided before they reach the JSON parser, and of what is
 * extracted each part has a limit; so an `id` that stands last, behind a result of 64 MB, is found.
 *
 * Read more liberally than JSON where servers and clients do: control characters in strings pass,
 * invalid UTF-8 passes and is flagged. Keys that matter are found in any case, as Go finds them.
 */

#include "base/cleanup.h"
#include "mcp/message.h"

#define MCP_STRING_MAX (256U << 10)
#define MCP_DEPTH_MAX (2U << 20)

enum mcp_line_state {
	MCP_LINE_EMPTY, /* nothing, or blanks only */
	MCP_LINE_UNREADABLE, /* no JSON */
	MCP_LINE_READ,
};

struct mcp_line {
	enum mcp_line_state state;
	bool bad_utf8;
	bool batch;
	bool more; /* it held more messages than are kept here */
	const struct mcp_message *messages;
	size_t count;
};

struct mcp_reader;

int mcp_reader_new(struct mcp_reader **ret_reader);
void mcp_reader_free(struct mcp_reader **reader);
#define _cleanup_mcp_reader_ _cleanup_(mcp_reader_free)

/* The next bytes of the line, without its newline. A failure to get memory makes the line
 * unreadable. */
void mcp_reader_feed(struct mcp_reader *reader, const uint8_t *bytes, size_t size);
/* The line is over. *ret_line is valid until the next feed or finish. */
void mcp_reader_finish(struct mcp_reader *reader, struct mcp_line *ret_line);
