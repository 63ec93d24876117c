/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/quote.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "policy/object.h"

static const char special_anywhere[] = { '"', '*', '$', '\\' };

static bool is_special(char byte, bool in_quotes)
{
	/* a backslash in quotes is what escape_text() writes one for */
	return memchr(special_anywhere, byte, sizeof(special_anywhere) - in_quotes);
}

/* Printable ASCII that means itself, wherever it stands in a word. */
static bool is_plain(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] <= ' ' || bytes[i] > '~' || is_special(bytes[i], false))
			return false;
	}
	return size && bytes[0] != '#';
}

int policy_quote(struct buf *out, const void *bytes, size_t size)
{
	const char *at = bytes, *end = at + size;
	int r;

	if (is_plain(bytes, size))
		return buf_append(out, bytes, size);
	r = buf_append_str(out, "\"");
	while (r == 0 && at < end) {
		const char *special = at;

		while (special < end && !is_special(*special, true))
			special++;
		r = escape_text(out, at, (size_t)(special - at));
		if (r == 0 && special < end)
			r = buf_printf(out, "\\%c", *special++);
		at = special;
	}
	return r ? r : buf_append_str(out, "\"");
}

int policy_quote_path(struct buf *out, const char *path, size_t size, const char *workspace,
		      const char *home)
{
	const struct {
		const char *variable, *value;
	} variables[] = { { "${workspace}", workspace }, { "${home}", home } };

	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const char *value = variables[i].value;
		size_t length = value ? strlen(value) : 0;
		int r;

		if (length < 2 || !policy_path_in(path, size, value, length))
			continue;
		r = buf_append_str(out, variables[i].variable);
		return r || size == length ? r : policy_quote(out, path + length, size - length);
	}
	return policy_quote(out, path, size);
}
