/* SPDX-License-Identifier: BSD-2-Clause */

#include "cli/message.h"

#include <string.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>

#include "base/cleanup.h"
#include "record/tree.h"

#define RPC_METHOD_NOT_FOUND (-32601)

static void free_gen(yajl_gen *gen)
{
	if (*gen)
		yajl_gen_free(*gen);
}

/*
 * The library frees a tree by recursion, so a line of a million brackets would take the stack
 * down. Brackets inside strings do not count.
 */
static bool depth_within(const char *text, size_t size, size_t max)
{
	size_t depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > max)
				return false;
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		}
	}
	return true;
}

void message_free(struct message *message)
{
	if (message->root)
		yajl_tree_free(message->root);
	*message = (struct message){ 0 };
}

yajl_val message_member(yajl_val object, const char *name)
{
	const char *path[] = { name, NULL };

	return YAJL_IS_OBJECT(object) ? yajl_tree_get(object, path, yajl_t_any) : NULL;
}

const char *message_text(yajl_val object, const char *name)
{
	yajl_val value = message_member(object, name);

	return YAJL_GET_STRING(value);
}

int message_read(const char *line, size_t size, struct message *ret_message)
{
	_cleanup_message_ struct message message = { 0 };
	_cleanup_free_ char *copy = strndup(line, size);
	yajl_val result, error;

	if (!copy)
		return -ENOMEM;
	if (strlen(copy) != size || !depth_within(line, size, MESSAGE_DEPTH_MAX))
		return -EBADMSG;
	tree_show_nul(copy, size);
	message.root = yajl_tree_parse(copy, NULL, 0);
	if (!YAJL_IS_OBJECT(message.root))
		return -EBADMSG;
	message.id = message_member(message.root, "id");
	if (YAJL_IS_NULL(message.id))
		message.id = NULL;
	message.method = message_text(message.root, "method");
	result = message_member(message.root, "result");
	error = message_member(message.root, "error");
	if (message.method) {
		message.kind = message.id ? MESSAGE_REQUEST : MESSAGE_NOTIFICATION;
		message.body = message_member(message.root, "params");
	} else if (result) {
		message.kind = MESSAGE_RESULT;
		message.body = result;
	} else if (error) {
		message.kind = MESSAGE_ERROR;
		message.body = error;
	} else {
		return -EBADMSG;
	}
	*ret_message = message;
	message.root = NULL;
	return 0;
}

bool message_answers(const struct message *message, const char *id)
{
	const char *text = YAJL_GET_STRING(message->id);

	return (message->kind == MESSAGE_RESULT || message->kind == MESSAGE_ERROR) && text &&
	       strcmp(text, id) == 0;
}

int message_check_arguments(const char *text, char **ret_error)
{
	char why[256] = "";
	yajl_val value;
	int r = 0;

	if (!depth_within(text, strlen(text), MESSAGE_DEPTH_MAX)) {
		*ret_error = strdup("nested too deep");
		return -EINVAL;
	}
	value = yajl_tree_parse(text, why, sizeof(why));
	if (!value) {
		why[strcspn(why, "\n")] = '\0';
		*ret_error = strdup(*why ? why : "it is empty");
		r = -EINVAL;
	} else if (!YAJL_IS_OBJECT(value)) {
		*ret_error = strdup("it must be an object: {\"name\": value}");
		r = -EINVAL;
	}
	if (value)
		yajl_tree_free(value);
	return r;
}

static void text(yajl_gen gen, const char *value)
{
	yajl_gen_string(gen, (const unsigned char *)value, strlen(value));
}

static void pair(yajl_gen gen, const char *name, const char *value)
{
	text(gen, name);
	text(gen, value);
}

static void client_info(yajl_gen gen, const char *name)
{
	text(gen, name);
	yajl_gen_map_open(gen);
	pair(gen, "name", "mcpfloor");
	pair(gen, "version", MCPFLOOR_VERSION);
	yajl_gen_map_close(gen);
}

static void empty_object(yajl_gen gen, const char *name)
{
	text(gen, name);
	yajl_gen_map_open(gen);
	yajl_gen_map_close(gen);
}

static int flush(yajl_gen gen, struct buf *out)
{
	const unsigned char *bytes;
	size_t size;
	int r;

	if (yajl_gen_get_buf(gen, &bytes, &size) != yajl_gen_status_ok)
		return -EINVAL;
	r = buf_append(out, bytes, size);
	return r < 0 ? r : buf_append(out, "\n", 1);
}

static yajl_gen begin(const char *id, const char *method)
{
	yajl_gen gen = yajl_gen_alloc(NULL);

	if (!gen)
		return NULL;
	yajl_gen_map_open(gen);
	pair(gen, "jsonrpc", "2.0");
	if (id)
		pair(gen, "id", id);
	pair(gen, "method", method);
	return gen;
}

int message_write_initialize(struct buf *out, const char *id)
{
	_cleanup_(free_gen) yajl_gen gen = begin(id, "initialize");

	if (!gen)
		return -ENOMEM;
	text(gen, "params");
	yajl_gen_map_open(gen);
	pair(gen, "protocolVersion", MESSAGE_LEGACY);
	empty_object(gen, "capabilities");
	client_info(gen, "clientInfo");
	yajl_gen_map_close(gen);
	yajl_gen_map_close(gen);
	return flush(gen, out);
}

int message_write_initialized(struct buf *out)
{
	_cleanup_(free_gen) yajl_gen gen = begin(NULL, "notifications/initialized");

	if (!gen)
		return -ENOMEM;
	yajl_gen_map_close(gen);
	return flush(gen, out);
}

static void write_meta(yajl_gen gen, const struct message_request *request)
{
	if (!request->stateless && !request->traceparent)
		return;
	text(gen, "_meta");
	yajl_gen_map_open(gen);
	if (request->stateless) {
		pair(gen, "io.modelcontextprotocol/protocolVersion", MESSAGE_STATELESS);
		client_info(gen, "io.modelcontextprotocol/clientInfo");
		empty_object(gen, "io.modelcontextprotocol/clientCapabilities");
	}
	if (request->traceparent)
		pair(gen, "traceparent", request->traceparent);
	yajl_gen_map_close(gen);
}

/* Checked JSON on one line: outside strings a line break means what a blank means, and inside there
 * is none. */
static int write_arguments(yajl_gen gen, const char *arguments)
{
	_cleanup_free_ char *line = strdup(arguments);

	if (!line)
		return -ENOMEM;
	for (char *c = line; *c; c++) {
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	}
	yajl_gen_number(gen, line, strlen(line)); /* as it stands, whatever it is */
	return 0;
}

int message_write_request(struct buf *out, const struct message_request *request)
{
	_cleanup_(free_gen) yajl_gen gen = begin(request->id, request->method);

	if (!gen)
		return -ENOMEM;
	text(gen, "params");
	yajl_gen_map_open(gen);
	if (request->tool) {
		int r;

		pair(gen, "name", request->tool);
		text(gen, "arguments");
		r = write_arguments(gen, request->arguments ? request->arguments : "{}");
		if (r < 0)
			return r;
	}
	if (request->cursor)
		pair(gen, "cursor", request->cursor);
	write_meta(gen, request);
	yajl_gen_map_close(gen);
	yajl_gen_map_close(gen);
	return flush(gen, out);
}

int message_write_answer(struct buf *out, const struct message *request)
{
	_cleanup_(free_gen) yajl_gen gen = yajl_gen_alloc(NULL);

	if (!gen)
		return -ENOMEM;
	yajl_gen_map_open(gen);
	pair(gen, "jsonrpc", "2.0");
	text(gen, "id");
	if (YAJL_IS_STRING(request->id))
		text(gen, YAJL_GET_STRING(request->id));
	else if (YAJL_IS_NUMBER(request->id))
		yajl_gen_number(gen, YAJL_GET_NUMBER(request->id),
				strlen(YAJL_GET_NUMBER(request->id)));
	else
		yajl_gen_null(gen);
	if (strcmp(request->method, "ping") == 0) {
		empty_object(gen, "result");
	} else {
		text(gen, "error");
		yajl_gen_map_open(gen);
		text(gen, "code");
		yajl_gen_integer(gen, RPC_METHOD_NOT_FOUND);
		pair(gen, "message", "this client offers no such method");
		yajl_gen_map_close(gen);
	}
	yajl_gen_map_close(gen);
	return flush(gen, out);
}
