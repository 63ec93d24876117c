/* SPDX-License-Identifier: BSD-2-Clause */
#include "mcp/places.h"

#include <string.h>

#include "base/cleanup.h"

static const struct key keys[] = {
	{ PLACE_MESSAGE, "method", FIELD_METHOD, true },
	{ PLACE_MESSAGE, "id", FIELD_ID, true },
	{ PLACE_MESSAGE, "params", FIELD_PARAMS, true, PLACE_PARAMS },
	{ PLACE_MESSAGE, "result", FIELD_RESULT, false, PLACE_RESULT },
	{ PLACE_MESSAGE, "error", FIELD_ERROR, false, PLACE_ERROR },
	{ PLACE_PARAMS, "name", FIELD_TOOL, true },
	{ PLACE_PARAMS, "uri", FIELD_TOOL, true },
	{ PLACE_PARAMS, "arguments", FIELD_ARGS, true },
	{ PLACE_PARAMS, "_meta", FIELD_META, false, PLACE_PARAMS_META },
	{ PLACE_PARAMS, "requestId", FIELD_REQUEST_ID },
	{ PLACE_PARAMS, "taskId", FIELD_TASK_ID },
	{ PLACE_PARAMS, "status", FIELD_TASK_STATUS },
	{ PLACE_PARAMS_META, "traceparent", FIELD_TRACEPARENT },
	{ PLACE_RESULT, "isError", FIELD_IS_ERROR },
	{ PLACE_RESULT, "resultType", FIELD_RESULT_TYPE },
	{ PLACE_RESULT, "task", FIELD_TASK, false, PLACE_TASK },
	{ PLACE_RESULT, "taskId", FIELD_TASK_ID },
	{ PLACE_RESULT, "status", FIELD_TASK_STATUS },
	{ PLACE_RESULT, "content", FIELD_CONTENT, false, PLACE_SKIP, PLACE_CONTENT },
	{ PLACE_RESULT, "contents", FIELD_CONTENT, false, PLACE_SKIP, PLACE_CONTENT },
	{ PLACE_RESULT, "tools", FIELD_TOOLS, false, PLACE_SKIP, PLACE_TOOLS },
	{ PLACE_RESULT, "serverInfo", FIELD_SERVER, false, PLACE_SERVER },
	{ PLACE_RESULT, "protocolVersion", FIELD_PROTOCOL },
	{ PLACE_RESULT, "_meta", FIELD_META, false, PLACE_RESULT_META },
	{ PLACE_RESULT_META, "io.modelcontextprotocol/related-task", FIELD_RELATED, false,
	  PLACE_RELATED },
	{ PLACE_RELATED, "taskId", FIELD_RELATED_ID },
	{ PLACE_TASK, "taskId", FIELD_TASK_ID },
	{ PLACE_TASK, "status", FIELD_TASK_STATUS },
	{ PLACE_ERROR, "message", FIELD_ERROR_TEXT },
	{ PLACE_CONTENT_ITEM, "text", FIELD_TEXT },
	{ PLACE_TOOL, "name", FIELD_DEFINITION_NAME },
	{ PLACE_TOOL, "annotations", FIELD_HINTS, false, PLACE_HINTS },
	{ PLACE_HINTS, "readOnlyHint", FIELD_READ_ONLY },
	{ PLACE_HINTS, "destructiveHint", FIELD_DESTRUCTIVE },
	{ PLACE_HINTS, "idempotentHint", FIELD_IDEMPOTENT },
	{ PLACE_HINTS, "openWorldHint", FIELD_OPEN_WORLD },
	{ PLACE_SERVER, "name", FIELD_SERVER_NAME },
	{ PLACE_SERVER, "version", FIELD_SERVER_VERSION },
};

static const struct {
	enum place array, map;
} elements[] = {
	{ PLACE_BATCH, PLACE_MESSAGE },
	{ PLACE_CONTENT, PLACE_CONTENT_ITEM },
	{ PLACE_TOOLS, PLACE_TOOL },
};

/*
 * Go's encoding/json folds by Unicode's simple folding, in which two characters beyond ASCII equal
 * an ASCII letter: U+017F (long s) and U+212A (Kelvin sign).
 */
static size_t fold_step(const uint8_t *bytes, size_t size, char *ret_char)
{
	if (size >= 2 && bytes[0] == 0xc5 && bytes[1] == 0xbf) {
		*ret_char = 's';
		return 2;
	}
	if (size >= 3 && bytes[0] == 0xe2 && bytes[1] == 0x84 && bytes[2] == 0xaa) {
		*ret_char = 'k';
		return 3;
	}
	*ret_char = bytes[0] >= 'A' && bytes[0] <= 'Z' ? (char)(bytes[0] | 0x20) : (char)bytes[0];
	return 1;
}

static bool equal_folded(const uint8_t *bytes, size_t size, const char *name)
{
	while (size && *name) {
		char c;
		size_t step = fold_step(bytes, size, &c);

		if (c != *name)
			return false;
		bytes += step;
		size -= step;
		name++;
	}
	return !size && !*name;
}

const struct key *key_find(enum place in, const uint8_t *bytes, size_t size, bool *ret_exact)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		bool exact;

		if (keys[i].in != in)
			continue;
		exact = strlen(keys[i].name) == size && !memcmp(keys[i].name, bytes, size);
		if (!exact && !(keys[i].matters && equal_folded(bytes, size, keys[i].name)))
			continue;
		*ret_exact = exact;
		return &keys[i];
	}
	return NULL;
}

enum place place_of_element(enum place array, bool map)
{
	if (array == PLACE_ROOT)
		return map ? PLACE_MESSAGE : PLACE_BATCH;
	for (size_t i = 0; map && i < ARRAY_LEN(elements); i++)
		if (elements[i].array == array)
			return elements[i].map;
	return PLACE_SKIP;
}
