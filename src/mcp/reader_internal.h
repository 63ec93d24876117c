/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What src/mcp/reader.c (lines) and src/mcp/meaning.c (keys and values) share. */

#include <yajl/yajl_parse.h>

#include "mcp/arena.h"
#include "mcp/capture.h"
#include "mcp/places.h"
#include "mcp/reader.h"
#include "mcp/tokens.h"
#include "mcp/utf8.h"

#define PLACES_DEEP 12 /* the longest way through the table of places is shorter */

struct mcp_reader {
	yajl_handle yajl; /* NULL between lines */
	struct tokens tokens;
	struct utf8_check utf8;
	bool any; /* there was something besides blanks */
	bool failed;

	/* the bytes in the parser's hands, and from where on the capture still needs them */
	const uint8_t *chunk; /* NULL: they are a held token, captured already */
	size_t capture_from;
	struct capture capture;
	enum field capture_field;
	int capture_depth;

	enum place places[PLACES_DEEP];
	int depth; /* of places */
	uint32_t skip; /* levels inside something that does not matter */
	const struct key *key; /* the last one, when it matters */
	bool batch, more;

	struct mcp_message *messages;
	size_t count, capacity;
	struct mcp_message *message; /* the one being read, NULL: none */
	uint32_t seen, exact; /* its keys that matter, bits by enum field */
	bool task_named; /* it has result.task.taskId */

	struct mcp_tool *tools; /* MCP_TOOLS_MAX, allocated with the first */
	size_t tool_count;
	struct mcp_tool *tool;

	struct arena arena;
};

extern const yajl_callbacks meaning_callbacks;
