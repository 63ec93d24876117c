/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "mcp/reader_internal.h"

static const struct {
	const char *name;
	uint16_t method;
} methods[] = {
	{ "tools/call", MF_M_TOOLS_CALL },
	{ "resources/read", MF_M_RESOURCES_READ },
	{ "prompts/get", MF_M_PROMPTS_GET },
};

static const char *const terminal_statuses[] = { "completed", "failed", "cancelled" };

/* strings that are kept as they are */
static const struct {
	enum field field;
	size_t offset, limit;
	bool first; /* the first one stays */
} kept[] = {
	{ FIELD_TOOL, offsetof(struct mcp_message, tool), MF_TOOL_MAX },
	{ FIELD_TRACEPARENT, offsetof(struct mcp_message, traceparent), MCP_TRACE_MAX },
	{ FIELD_TASK_ID, offsetof(struct mcp_message, task_id), MCP_TASK_MAX },
	{ FIELD_RELATED_ID, offsetof(struct mcp_message, related_task), MCP_TASK_MAX },
	{ FIELD_TEXT, offsetof(struct mcp_message, text), MF_TEXT_MAX, true },
	{ FIELD_ERROR_TEXT, offsetof(struct mcp_message, text), MF_TEXT_MAX },
	{ FIELD_SERVER_NAME, offsetof(struct mcp_message, server_name), MCP_LABEL_MAX },
	{ FIELD_SERVER_VERSION, offsetof(struct mcp_message, server_version), MCP_LABEL_MAX },
	{ FIELD_PROTOCOL, offsetof(struct mcp_message, protocol), MCP_LABEL_MAX },
};

static bool equals(const uint8_t *bytes, size_t size, const char *text)
{
	return strlen(text) == size && !memcmp(bytes, text, size);
}

static struct mcp_text keep(struct mcp_reader *reader, const uint8_t *bytes, size_t size,
			    size_t limit)
{
	struct mcp_text text = { .size = size <= limit ? size : utf8_cut(bytes, limit) };
	uint8_t *copy = arena_alloc(&reader->arena, text.size + 1);

	if (!copy) {
		reader->failed = true;
		return (struct mcp_text){ 0 };
	}
	memcpy(copy, bytes, text.size);
	text.data = copy;
	return text;
}

static void message_begin(struct mcp_reader *reader)
{
	reader->message = NULL;
	reader->seen = reader->exact = 0;
	reader->task_named = false;
	if (reader->count == MCP_MESSAGES_MAX) {
		reader->more = true;
		return;
	}
	if (reader->count == reader->capacity) {
		size_t capacity = reader->capacity ? reader->capacity * 2 : 4;
		struct mcp_message *messages =
			realloc(reader->messages, capacity * sizeof(*messages));

		if (!messages) {
			reader->failed = true;
			return;
		}
		reader->messages = messages;
		reader->capacity = capacity;
	}
	reader->message = &reader->messages[reader->count++];
	*reader->message = (struct mcp_message){ .flags = reader->batch ? MF_JF_BATCH : 0 };
}

static void message_end(struct mcp_reader *reader)
{
	if (reader->message && reader->task_named)
		reader->message->is_task = true;
	reader->message = NULL;
}

static void tool_begin(struct mcp_reader *reader)
{
	struct mcp_message *message = reader->message;

	reader->tool = NULL;
	if (!reader->tools)
		reader->tools = calloc(MCP_TOOLS_MAX, sizeof(*reader->tools));
	if (!reader->tools || reader->tool_count == MCP_TOOLS_MAX)
		return;
	reader->tool = &reader->tools[reader->tool_count++];
	*reader->tool = (struct mcp_tool){ 0 };
	if (!message->tool_count)
		message->tools = reader->tool;
	message->tool_count++;
}

/* Positions are those of the parser inside the present chunk. */
static size_t position(const struct mcp_reader *reader)
{
	return reader->chunk ? yajl_get_bytes_consumed(reader->yajl) : 0;
}

static void capture_start(struct mcp_reader *reader, enum field field, size_t size, size_t from)
{
	capture_begin(&reader->capture, size, field != FIELD_ID && field != FIELD_REQUEST_ID,
		      field != FIELD_TOOLS);
	reader->capture_field = field;
	reader->capture_depth = reader->depth;
	reader->capture_from = from;
}

static void id_captured(struct mcp_reader *reader, struct mcp_id *id)
{
	const struct buf *bytes = &reader->capture.bytes;

	id->raw = keep(reader, buf_bytes(bytes), buf_size(bytes), MF_ID_MAX);
	id->raw_total = reader->capture.total;
	if (id->kind == MCP_ID_NUMBER)
		id->text = id->raw;
}

static void args_captured(struct mcp_reader *reader, struct mcp_message *message)
{
	const struct buf *bytes = &reader->capture.bytes;

	message->args = keep(reader, buf_bytes(bytes), buf_size(bytes), MF_ARGS_MAX);
	message->args_total = reader->capture.total;
	message->flags &= ~(uint32_t)MF_JF_ARGS_CUT;
	if (message->args_total > message->args.size)
		message->flags |= MF_JF_ARGS_CUT;
	capture_end(&reader->capture, message->args_sha256);
}

/* A value is complete. When it is the captured one, its bytes go where they belong. */
static void value_end(struct mcp_reader *reader)
{
	struct capture *capture = &reader->capture;
	struct mcp_message *message = reader->message;
	size_t end;

	if (!capture->active || reader->skip || reader->depth != reader->capture_depth)
		return;
	end = position(reader);
	if (reader->chunk && end > reader->capture_from)
		capture_feed(capture, reader->chunk + reader->capture_from,
			     end - reader->capture_from);
	reader->failed |= capture->failed;
	switch (message ? reader->capture_field : FIELD_NONE) {
	case FIELD_ID:
		id_captured(reader, &message->id);
		break;
	case FIELD_REQUEST_ID:
		id_captured(reader, &message->request_id);
		break;
	case FIELD_ARGS:
		args_captured(reader, message);
		break;
	case FIELD_TOOLS:
		capture_end(capture, reader->tool ? reader->tool->sha256 : NULL);
		break;
	default:
		break;
	}
	capture->active = false;
}

static enum field current_field(const struct mcp_reader *reader)
{
	return reader->key ? reader->key->field : FIELD_NONE;
}

/* Any value of an `error` but null is one. */
static void note_error(struct mcp_reader *reader)
{
	if (reader->message && current_field(reader) == FIELD_ERROR)
		reader->message->has_error = true;
}

static struct mcp_id *id_of(struct mcp_reader *reader)
{
	switch (reader->message ? current_field(reader) : FIELD_NONE) {
	case FIELD_ID:
		return &reader->message->id;
	case FIELD_REQUEST_ID:
		return &reader->message->request_id;
	default:
		return NULL;
	}
}

static int open_level(struct mcp_reader *reader, bool map)
{
	enum place here = reader->places[reader->depth], next;

	if (reader->skip)
		return ++reader->skip <= MCP_DEPTH_MAX;
	note_error(reader);
	if (id_of(reader))
		id_of(reader)->kind = MCP_ID_OTHER;
	if (reader->key)
		next = map ? reader->key->map : reader->key->array;
	else
		next = place_of_element(here, map);
	if (next == PLACE_MESSAGE)
		message_begin(reader);
	if (next == PLACE_BATCH)
		reader->batch = true;
	if (next == PLACE_TOOL) {
		if (!reader->capture.active)
			capture_start(reader, FIELD_TOOLS, 0, 0);
		tool_begin(reader);
		/* the brace itself is always in a chunk: it is no held token */
		reader->capture_from = position(reader) - 1;
	}
	reader->key = NULL;
	if (next == PLACE_SKIP || (next != PLACE_BATCH && !reader->message) ||
	    reader->depth + 1 == PLACES_DEEP) {
		reader->skip = 1;
		return 1;
	}
	reader->places[++reader->depth] = next;
	return 1;
}

static int close_level(struct mcp_reader *reader)
{
	enum place left = PLACE_SKIP;

	if (reader->skip)
		reader->skip--;
	else
		left = reader->places[reader->depth--];
	reader->key = NULL;
	if (!reader->skip)
		value_end(reader);
	if (left == PLACE_MESSAGE)
		message_end(reader);
	return !reader->failed;
}

static int on_start_map(void *data)
{
	return open_level(data, true);
}

static int on_start_array(void *data)
{
	return open_level(data, false);
}

static int on_end(void *data)
{
	return close_level(data);
}

/* A second `params` replaces the first one whole. */
static void forget_params(struct mcp_message *message)
{
	message->tool = message->args = message->traceparent = (struct mcp_text){ 0 };
	message->args_total = 0;
	memset(message->args_sha256, 0, sizeof(message->args_sha256));
	message->flags &= ~(uint32_t)MF_JF_ARGS_CUT;
	message->request_id = (struct mcp_id){ 0 };
}

/*
 * Readers differ in which of several equal keys they take, and in case. The last one that is
 * written exactly wins here, else the last one; the message is flagged.
 */
static bool key_matters(struct mcp_reader *reader, const struct key *key, bool exact)
{
	uint32_t bit = 1U << key->field;

	if ((reader->seen & bit) || !exact)
		reader->message->flags |= MF_JF_DUP_KEYS;
	reader->seen |= bit;
	if (!exact && (reader->exact & bit))
		return key->field == FIELD_METHOD;
	if (exact)
		reader->exact |= bit;
	return true;
}

static int on_key(void *data, const unsigned char *bytes, size_t size)
{
	struct mcp_reader *reader = data;
	const struct key *key;
	bool exact = false;

	if (reader->skip)
		return 1;
	key = key_find(reader->places[reader->depth], bytes, size, &exact);
	if (key && key->matters && !key_matters(reader, key, exact))
		key = NULL;
	reader->key = key;
	if (!key)
		return 1;
	if (key->field == FIELD_PARAMS)
		forget_params(reader->message);
	if (key->field == FIELD_RESULT)
		reader->message->has_result = true;
	if (key->field == FIELD_ID || key->field == FIELD_REQUEST_ID)
		capture_start(reader, key->field, MF_ID_MAX, position(reader));
	if (key->field == FIELD_ARGS)
		capture_start(reader, key->field, MF_ARGS_MAX, position(reader));
	return 1;
}

static int scalar_end(struct mcp_reader *reader)
{
	reader->key = NULL;
	value_end(reader);
	return !reader->failed;
}

/* Of several methods the one that is tracked counts: some reader would run it. */
static void take_method(struct mcp_reader *reader, const uint8_t *bytes, size_t size)
{
	struct mcp_message *message = reader->message;
	uint16_t method = 0;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (equals(bytes, size, methods[i].name))
			method = methods[i].method;
	message->is_cancel |= equals(bytes, size, "notifications/cancelled");
	message->has_method = true;
	if (message->method && !method)
		return;
	message->method = method;
	message->method_text = keep(reader, bytes, size, MCP_METHOD_MAX);
}

static void take_status(struct mcp_message *message, const uint8_t *bytes, size_t size)
{
	message->task_status = MCP_TASK_GOES_ON;
	for (size_t i = 0; i < ARRAY_LEN(terminal_statuses); i++)
		if (equals(bytes, size, terminal_statuses[i]))
			message->task_status = MCP_TASK_TERMINAL;
}

static void take_kept(struct mcp_reader *reader, enum field field, const uint8_t *bytes,
		      size_t size)
{
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		struct mcp_text *text;

		if (kept[i].field != field)
			continue;
		text = (void *)((char *)reader->message + kept[i].offset);
		if (kept[i].first && text->data)
			return;
		*text = keep(reader, bytes, size, kept[i].limit);
		if (kept[i].limit == MF_TEXT_MAX && text->size < size)
			reader->message->flags |= MF_JF_TEXT_CUT;
	}
}

static int on_string(void *data, const unsigned char *bytes, size_t size)
{
	struct mcp_reader *reader = data;
	struct mcp_id *id = id_of(reader);
	enum field field = current_field(reader);

	if (reader->skip || !reader->message)
		return scalar_end(reader);
	note_error(reader);
	if (id) {
		id->kind = MCP_ID_STRING;
		id->text = keep(reader, bytes, size, MF_ID_MAX);
	} else if (field == FIELD_METHOD) {
		take_method(reader, bytes, size);
	} else if (field == FIELD_TASK_STATUS) {
		take_status(reader->message, bytes, size);
	} else if (field == FIELD_RESULT_TYPE) {
		reader->message->is_task |= equals(bytes, size, "task");
	} else if (field == FIELD_DEFINITION_NAME) {
		if (reader->tool)
			reader->tool->name = keep(reader, bytes, size, MF_TOOL_MAX);
	} else if (field != FIELD_NONE) {
		take_kept(reader, field, bytes, size);
		if (field == FIELD_TASK_ID && reader->places[reader->depth] == PLACE_TASK)
			reader->task_named = true;
	}
	return scalar_end(reader);
}

static int on_other(struct mcp_reader *reader, enum mcp_id_kind kind)
{
	struct mcp_id *id = id_of(reader);

	if (!reader->skip && id)
		id->kind = kind;
	return scalar_end(reader);
}

static int on_null(void *data)
{
	return on_other(data, MCP_ID_NULL);
}

static int on_number(void *data, const char *bytes, size_t size)
{
	struct mcp_reader *reader = data;

	if (!reader->skip)
		note_error(reader);
	return on_other(reader, MCP_ID_NUMBER);
}

static int on_boolean(void *data, int value)
{
	struct mcp_reader *reader = data;
	uint8_t hint = value ? 2 : 1;

	if (reader->skip || !reader->message)
		return scalar_end(reader);
	note_error(reader);
	switch (current_field(reader)) {
	case FIELD_IS_ERROR:
		reader->message->is_error = value;
		break;
	case FIELD_READ_ONLY:
	case FIELD_DESTRUCTIVE:
	case FIELD_IDEMPOTENT:
	case FIELD_OPEN_WORLD:
		if (reader->tool)
			(&reader->tool->read_only)[current_field(reader) - FIELD_READ_ONLY] = hint;
		break;
	default:
		break;
	}
	return on_other(reader, MCP_ID_OTHER);
}

const yajl_callbacks meaning_callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end,
};
