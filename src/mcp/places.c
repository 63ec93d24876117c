/* SPDX-License-Identifier: BSD-2-Clause */
#include "mcp/places.h"

#include <string.h>

#include "base/cleanup.h"

#define NAME(text) text, sizeof(text) - 1

static const struct key keys[] = {
	{ PLACE_MESSAGE, NAME("method"), FIELD_METHOD, true },
	{ PLACE_MESSAGE, NAME("id"), FIELD_ID, true },
	{ PLACE_MESSAGE, NAME("params"), FIELD_PARAMS, true, PLACE_PARAMS },
	{ PLACE_MESSAGE, NAME("result"), FIELD_RESULT, false, PLACE_RESULT },
	{ PLACE_MESSAGE, NAME("error"), FIELD_ERROR, false, PLACE_ERROR },
	{ PLACE_PARAMS, NAME("name"), FIELD_TOOL, true },
	{ PLACE_PARAMS, NAME("uri"), FIELD_TOOL, true },
	{ PLACE_PARAMS, NAME("arguments"), FIELD_ARGS, true },
	{ PLACE_PARAMS, NAME("_meta"), FIELD_META, false, PLACE_PARAMS_META },
	{ PLACE_PARAMS, NAME("requestId"), FIELD_REQUEST_ID },
	{ PLACE_PARAMS, NAME("taskId"), FIELD_TASK_ID },
	{ PLACE_PARAMS, NAME("status"), FIELD_TASK_STATUS },
	{ PLACE_PARAMS_META, NAME("traceparent"), FIELD_TRACEPARENT },
	{ PLACE_RESULT, NAME("isError"), FIELD_IS_ERROR },
	{ PLACE_RESULT, NAME("resultType"), FIELD_RESULT_TYPE },
	{ PLACE_RESULT, NAME("task"), FIELD_TASK, false, PLACE_TASK },
	{ PLACE_RESULT, NAME("taskId"), FIELD_TASK_ID },
	{ PLACE_RESULT, NAME("status"), FIELD_TASK_STATUS },
	{ PLACE_RESULT, NAME("content"), FIELD_CONTENT, false, PLACE_SKIP, PLACE_CONTENT },
	{ PLACE_RESULT, NAME("contents"), FIELD_CONTENT, false, PLACE_SKIP, PLACE_CONTENT },
	{ PLACE_RESULT, NAME("tools"), FIELD_TOOLS, false, PLACE_SKIP, PLACE_TOOLS },
	{ PLACE_RESULT, NAME("serverInfo"), FIELD_SERVER, false, PLACE_SERVER },
	{ PLACE_RESULT, NAME("protocolVersion"), FIELD_PROTOCOL },
	{ PLACE_RESULT, NAME("_meta"), FIELD_META, false, PLACE_RESULT_META },
	{ PLACE_RESULT_META, NAME("io.modelcontextprotocol/related-task"), FIELD_RELATED, false,
	  PLACE_RELATED },
	{ PLACE_RELATED, NAME("taskId"), FIELD_RELATED_ID },
	{ PLACE_TASK, NAME("taskId"), FIELD_TASK_ID },
	{ PLACE_TASK, NAME("status"), FIELD_TASK_STATUS },
	{ PLACE_ERROR, NAME("message"), FIELD_ERROR_TEXT },
	{ PLACE_CONTENT_ITEM, NAME("text"), FIELD_TEXT },
	{ PLACE_TOOL, NAME("name"), FIELD_DEFINITION_NAME },
	{ PLACE_TOOL, NAME("annotations"), FIELD_HINTS, false, PLACE_HINTS },
	{ PLACE_HINTS, NAME("readOnlyHint"), FIELD_READ_ONLY },
	{ PLACE_HINTS, NAME("destructiveHint"), FIELD_DESTRUCTIVE },
	{ PLACE_HINTS, NAME("idempotentHint"), FIELD_IDEMPOTENT },
	{ PLACE_HINTS, NAME("openWorldHint"), FIELD_OPEN_WORLD },
	{ PLACE_SERVER, NAME("name"), FIELD_SERVER_NAME },
	{ PLACE_SERVER, NAME("version"), FIELD_SERVER_VERSION },
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

static bool equal_folded(const uint8_t *bytes, size_t size, const struct key *key)
{
	const char *name = key->name;

	if (size < key->size)
		return false; /* folding never makes a key longer */
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
		exact = keys[i].size == size && !memcmp(keys[i].name, bytes, size);
		if (!exact && !(keys[i].matters && equal_folded(bytes, size, &keys[i])))
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
