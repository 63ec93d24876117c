/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Writing JSON. A writer of its own, not yajl_gen, because rows are built at half a million a
 * second and a generator call per field costs more than all the rest; its output is checked by
 * yajl in the tests. Errors stick: one look at `error` at the end is enough.
 *
 * Strings hold any bytes. What is no UTF-8 becomes the text \xNN, a backslash in such a string is
 * doubled, and `escaped` is set. Controls, and characters that a terminal does not show as
 * themselves, are written as \uNNNN.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct jsonout {
	struct buf *buf;
	int error;
	bool comma; /* the next value is not the first */
	bool bytes; /* strings are treated as if they were no UTF-8 */
	bool escaped;
};

void json_open(struct jsonout *json, char bracket);
void json_close(struct jsonout *json, char bracket);
void json_key(struct jsonout *json, const char *key); /* a literal, needs no escape */
void json_u64(struct jsonout *json, uint64_t value);
void json_i64(struct jsonout *json, int64_t value);
void json_bool(struct jsonout *json, bool value);
void json_null(struct jsonout *json);
void json_text(struct jsonout *json, const void *bytes, size_t size);
void json_str(struct jsonout *json, const char *text);
void json_hex(struct jsonout *json, const uint8_t *bytes, size_t size);
/* Two numbers as one string, "7@42". */
void json_pair(struct jsonout *json, uint64_t first, char separator, uint64_t second);
/* One JSON value as it is. */
void json_raw(struct jsonout *json, const void *bytes, size_t size);

/* In an object whose strings held bytes that are no UTF-8: says so, behind them. */
void json_say_escaped(struct jsonout *json);

/* The inside of a JSON string, for UTF-8 that may hold what is already escaped (`raw_json`). */
int json_escape(struct buf *out, const void *bytes, size_t size, bool raw_json);

static inline void json_kv_u64(struct jsonout *json, const char *key, uint64_t value)
{
	json_key(json, key);
	json_u64(json, value);
}

static inline void json_kv_bool(struct jsonout *json, const char *key, bool value)
{
	json_key(json, key);
	json_bool(json, value);
}

static inline void json_kv_str(struct jsonout *json, const char *key, const char *text)
{
	json_key(json, key);
	json_str(json, text);
}

static inline void json_kv_text(struct jsonout *json, const char *key, const void *bytes,
				size_t size)
{
	json_key(json, key);
	json_text(json, bytes, size);
}
