/* SPDX-License-Identifier: BSD-2-Clause */

#include "cli/brief.h"

#include <stdbool.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_blank(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at;
}

/* Behind the string that begins at `at`; NULL: it does not end. */
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end; at++) {
		if (*at == '\\')
			at++;
		else if (*at == '"')
			return at + 1;
	}
	return NULL;
}

/* Behind the value at `at`: where the comma or bracket that follows it stands. */
static const char *skip_value(const char *at, const char *end)
{
	size_t depth = 0;

	while (at && at < end) {
		if (*at == '"') {
			at = skip_string(at, end);
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if ((*at == '}' || *at == ']') && depth == 0)
			return at;
		else if (*at == '}' || *at == ']')
			depth--;
		else if (*at == ',' && depth == 0)
			return at;
		at++;
	}
	return NULL;
}

static bool is_long(const char *key, size_t size)
{
	static const char *const names[] = { "\"events\"", "\"processes\"" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (size == strlen(names[i]) && memcmp(key, names[i], size) == 0)
			return true;
	}
	return false;
}

static int brief_members(struct buf *out, const char *at, const char *end)
{
	bool first = true;

	while (at < end && *at == '"') {
		const char *key_end = skip_string(at, end);
		const char *value_end = key_end ? skip_value(key_end, end) : NULL;
		int r = 0;

		if (!value_end)
			return -EBADMSG;
		if (!is_long(at, (size_t)(key_end - at))) {
			r = first ? 0 : buf_append(out, ",", 1);
			if (r >= 0)
				r = buf_append(out, at, (size_t)(value_end - at));
			first = false;
		}
		if (r < 0)
			return r;
		if (*value_end == '}')
			return 0;
		at = skip_blank(value_end + 1, end);
	}
	return at < end && *at == '}' ? 0 : -EBADMSG;
}

int brief_entry(struct buf *out, const char *json, size_t size)
{
	const char *end = json + size;
	const char *at = skip_blank(json, end);
	int r;

	if (at >= end || *at != '{')
		return -EBADMSG;
	r = buf_append(out, "{", 1);
	if (r >= 0)
		r = brief_members(out, skip_blank(at + 1, end), end);
	return r < 0 ? r : buf_append(out, "}", 1);
}
