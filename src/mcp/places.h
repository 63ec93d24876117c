/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Where in a message the parser is, and which keys matter there. One table; everything that is not
 * in it is skipped whole.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum place {
	PLACE_SKIP = 0,
	PLACE_ROOT,
	PLACE_BATCH,
	PLACE_MESSAGE,
	PLACE_PARAMS,
	PLACE_PARAMS_META,
	PLACE_RESULT,
	PLACE_RESULT_META,
	PLACE_RELATED,
	PLACE_TASK,
	PLACE_ERROR,
	PLACE_CONTENT,
	PLACE_CONTENT_ITEM,
	PLACE_TOOLS,
	PLACE_TOOL,
	PLACE_HINTS,
	PLACE_SERVER,
};

enum field {
	FIELD_NONE = 0,
	FIELD_METHOD,
	FIELD_ID,
	FIELD_PARAMS,
	FIELD_RESULT,
	FIELD_ERROR,
	FIELD_TOOL,
	FIELD_ARGS,
	FIELD_META,
	FIELD_TRACEPARENT,
	FIELD_REQUEST_ID,
	FIELD_TASK,
	FIELD_TASK_ID,
	FIELD_TASK_STATUS,
	FIELD_RELATED,
	FIELD_RELATED_ID,
	FIELD_RESULT_TYPE,
	FIELD_IS_ERROR,
	FIELD_CONTENT,
	FIELD_TEXT,
	FIELD_ERROR_TEXT,
	FIELD_TOOLS,
	FIELD_DEFINITION_NAME,
	FIELD_HINTS,
	FIELD_READ_ONLY,
	FIELD_DESTRUCTIVE,
	FIELD_IDEMPOTENT,
	FIELD_OPEN_WORLD,
	FIELD_SERVER,
	FIELD_SERVER_NAME,
	FIELD_SERVER_VERSION,
	FIELD_PROTOCOL,
};

struct key {
	enum place in;
	const char *name;
	size_t size; /* of the name */
	enum field field;
	bool matters; /* found in any case; a second one is flagged */
	enum place map, array; /* where its value leads, when it is one of these */
};

/* NULL: does not matter. *ret_exact: it is written as in the specification. */
const struct key *key_find(enum place in, const uint8_t *bytes, size_t size, bool *ret_exact);
/* Where an element of an array leads. */
enum place place_of_element(enum place array, bool map);
