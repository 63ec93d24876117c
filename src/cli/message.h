/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The few MCP messages that `mcpfloor call` writes and reads. Pure: bytes in, structs out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <yajl/yajl_tree.h>

#include "base/buf.h"

#define MESSAGE_DEPTH_MAX 512 /* levels of JSON in one line; deeper ones are not read */

#define MESSAGE_LEGACY "2025-11-25"
#define MESSAGE_STATELESS "2026-07-28"

enum message_kind {
	MESSAGE_REQUEST = 1, /* of the server to us; wants an answer */
	MESSAGE_NOTIFICATION = 2,
	MESSAGE_RESULT = 3,
	MESSAGE_ERROR = 4,
};

struct message {
	enum message_kind kind;
	yajl_val root; /* owned */
	yajl_val id; /* NULL: absent or null */
	yajl_val body; /* params, result or error object; NULL: absent */
	const char *method; /* of requests and notifications */
};

void message_free(struct message *message);
#define _cleanup_message_ _cleanup_(message_free)

/* `line` is NUL terminated. -EBADMSG: no JSON-RPC message, or nested too deep. */
int message_read(const char *line, size_t size, struct message *ret_message);
bool message_answers(const struct message *message, const char *id);

/* Whether `text` is one JSON object; *ret_error (free it) says in one line why not. */
int message_check_arguments(const char *text, char **ret_error);

yajl_val message_member(yajl_val object, const char *name);
const char *message_text(yajl_val object, const char *name); /* NULL: no such string */

struct message_request {
	const char *id;
	const char *method;
	bool stateless; /* the era without initialize: version and client in each request */
	const char *tool; /* tools/call */
	const char *arguments; /* checked JSON text; NULL: {} */
	const char *traceparent; /* may be NULL */
	const char *cursor; /* tools/list, may be NULL */
};

/* Each appends one line, newline included. */
int message_write_initialize(struct buf *out, const char *id);
int message_write_initialized(struct buf *out);
int message_write_request(struct buf *out, const struct message_request *request);
/* A ping is answered, anything else is refused. */
int message_write_answer(struct buf *out, const struct message *request);
