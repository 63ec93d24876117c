/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What one line of MCP traffic says, as far as the relay needs to know: which requests begin and
 * end with it. Everything is read from bytes that a peer wrote; nothing here is trusted, every
 * kept text has a bound.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/journal.h"

#define MCP_MESSAGES_MAX 1024 /* of one line (batch) that are kept */
#define MCP_TOOLS_MAX 4096 /* definitions of one tools/list reply that are kept */
#define MCP_METHOD_MAX 256 /* bytes of a method name kept */
#define MCP_TRACE_MAX 256
#define MCP_TASK_MAX 1024 /* bytes of a task id kept */
#define MCP_LABEL_MAX 256 /* bytes of a server's name, version, protocol kept */

/* Bytes that live until the reader starts its next line. */
struct mcp_text {
	const uint8_t *data;
	size_t size;
};

enum mcp_id_kind {
	MCP_ID_MISSING = 0,
	MCP_ID_NULL,
	MCP_ID_STRING,
	MCP_ID_NUMBER,
	MCP_ID_OTHER, /* true, an object, …: nothing that JSON-RPC knows */
};

struct mcp_id {
	enum mcp_id_kind kind;
	struct mcp_text raw; /* as written, quotes included, at most MF_ID_MAX bytes */
	struct mcp_text text; /* a string's decoded text, a number as written */
	uint64_t raw_total;
};

struct mcp_tool {
	struct mcp_text name;
	uint8_t sha256[32]; /* of the definition as sent */
	uint8_t read_only, destructive, idempotent, open_world; /* as in struct mf_j_tool */
};

enum mcp_task_status {
	MCP_TASK_NONE = 0,
	MCP_TASK_GOES_ON,
	MCP_TASK_TERMINAL,
};

struct mcp_message {
	uint32_t flags; /* MF_JF_DUP_KEYS, MF_JF_BATCH, MF_JF_ARGS_CUT, MF_JF_TEXT_CUT */
	uint16_t method; /* enum mf_method, 0: none of those that are tracked */
	bool has_method, has_result, has_error;
	bool is_cancel; /* notifications/cancelled */
	bool is_error; /* result.isError */
	bool is_task; /* the result says that a task goes on */
	struct mcp_id id;
	struct mcp_text method_text;

	struct mcp_text tool; /* params.name, or params.uri */
	struct mcp_text args; /* params.arguments as sent */
	uint64_t args_total;
	uint8_t args_sha256[32];
	struct mcp_text traceparent;
	struct mcp_id request_id; /* params.requestId */

	struct mcp_text text; /* first text content, or error.message */
	struct mcp_text task_id;
	enum mcp_task_status task_status;
	struct mcp_text related_task; /* the task whose outcome this result is */

	const struct mcp_tool *tools;
	size_t tool_count;
	struct mcp_text server_name, server_version, protocol;
};

/* It carries an answer (to be told by the line's direction to whom). */
static inline bool mcp_is_reply(const struct mcp_message *message)
{
	return message->has_result || message->has_error ||
	       (!message->has_method && message->id.kind != MCP_ID_MISSING);
}
