/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/jsonout.h"

#include <string.h>

#include "base/escape.h"

static void put(struct jsonout *json, const void *bytes, size_t size)
{
	struct buf *buf = json->buf;

	if (json->error)
		return;
	if (buf->data && size <= buf->capacity - buf->end && !buf->limit) {
		memcpy(buf->data + buf->end, bytes, size);
		buf->end += size;
		return;
	}
	json->error = buf_append(buf, bytes, size);
}

static void value_begins(struct jsonout *json)
{
	if (json->comma)
		put(json, ",", 1);
	json->comma = true;
}

void json_open(struct jsonout *json, char bracket)
{
	value_begins(json);
	put(json, &bracket, 1);
	json->comma = false;
}

void json_close(struct jsonout *json, char bracket)
{
	put(json, &bracket, 1);
	json->comma = true;
}

void json_key(struct jsonout *json, const char *key)
{
	value_begins(json);
	put(json, "\"", 1);
	put(json, key, strlen(key));
	put(json, "\":", 2);
	json->comma = false;
}

#define DIGITS_MAX 20

/* Writes the digits that end before `end`; returns how many. */
static size_t digits_before(char *end, uint64_t value)
{
	char *at = end;

	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return (size_t)(end - at);
}

void json_u64(struct jsonout *json, uint64_t value)
{
	char digits[DIGITS_MAX];
	size_t count = digits_before(digits + sizeof(digits), value);

	value_begins(json);
	put(json, digits + sizeof(digits) - count, count);
}

void json_pair(struct jsonout *json, uint64_t first, char separator, uint64_t second)
{
	char text[2 * DIGITS_MAX + 3];
	char *at = text + sizeof(text);

	*--at = '"';
	at -= digits_before(at, second);
	*--at = separator;
	at -= digits_before(at, first);
	*--at = '"';
	json_raw(json, at, (size_t)(text + sizeof(text) - at));
}

void json_i64(struct jsonout *json, int64_t value)
{
	if (value >= 0) {
		json_u64(json, (uint64_t)value);
		return;
	}
	value_begins(json);
	put(json, "-", 1);
	json->comma = false;
	json_u64(json, -(uint64_t)value);
}

void json_bool(struct jsonout *json, bool value)
{
	json_raw(json, value ? "true" : "false", value ? 4 : 5);
}

void json_null(struct jsonout *json)
{
	json_raw(json, "null", 4);
}

void json_raw(struct jsonout *json, const void *bytes, size_t size)
{
	value_begins(json);
	put(json, bytes, size);
}

void json_hex(struct jsonout *json, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	value_begins(json);
	put(json, "\"", 1);
	for (size_t i = 0; i < size; i++) {
		char pair[2] = { digits[bytes[i] >> 4], digits[bytes[i] & 15] };

		put(json, pair, 2);
	}
	put(json, "\"", 1);
}

/* Stands in a JSON string as it is: printable ASCII without quote and backslash. */
static size_t plain_length(const uint8_t *bytes, size_t size)
{
	size_t at = 0;

	while (at < size && bytes[at] >= 0x20 && bytes[at] < 0x7f && bytes[at] != '"' &&
	       bytes[at] != '\\')
		at++;
	return at;
}

/* Format and direction marks and the like: they change how the text around them is shown. */
static bool code_is_invisible(unsigned code)
{
	return code == 0x7f || (code >= 0x80 && code <= 0xa0) || code == 0xad || code == 0x61c ||
	       (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
	       (code >= 0xfff0 && code <= 0xfffb) || (code >= 0xe0000 && code <= 0xe0fff);
}

static int put_code(struct buf *out, unsigned code)
{
	static const char brief[][3] = {
		['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f",
		['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\"
	};

	if (code < sizeof(brief) / sizeof(brief[0]) && brief[code][0])
		return buf_append(out, brief[code], 2);
	if (code > 0xffff) {
		code -= 0x10000;
		return buf_printf(out, "\\u%04x\\u%04x", 0xd800 + (code >> 10),
				  0xdc00 + (code & 0x3ff));
	}
	return buf_printf(out, "\\u%04x", code);
}

/* One character that is not plain; returns its length in *ret_length. */
static int escape_one(struct buf *out, const uint8_t *at, size_t size, bool raw_json, bool doubled,
		      size_t *ret_length)
{
	unsigned code = 0;
	size_t length = utf8_sequence(at, size, &code);

	*ret_length = length ? length : 1;
	if (!length || (!code && doubled))
		return buf_printf(out, "\\\\x%02x", at[0]);
	if (code == '\\' && doubled)
		return buf_append(out, "\\\\\\\\", 4);
	if (raw_json && (code == '\\' || code == '"'))
		return buf_append(out, at, 1);
	if (code < 0x20 || code == '"' || code == '\\' || code_is_invisible(code))
		return put_code(out, code);
	return buf_append(out, at, length);
}

static int escape(struct buf *out, const uint8_t *at, size_t size, bool raw_json, bool doubled)
{
	int err = 0;

	while (size && !err) {
		size_t length = plain_length(at, size);

		if (length)
			err = buf_append(out, at, length);
		else
			err = escape_one(out, at, size, raw_json, doubled, &length);
		at += length;
		size -= length;
	}
	return err;
}

int json_escape(struct buf *out, const void *bytes, size_t size, bool raw_json)
{
	return escape(out, bytes, size, raw_json, false);
}

void json_text(struct jsonout *json, const void *bytes, size_t size)
{
	size_t plain = plain_length(bytes, size);

	value_begins(json);
	put(json, "\"", 1);
	put(json, bytes, plain);
	if (plain < size && !json->error) {
		bool doubled = json->bytes || !utf8_valid(bytes, size);

		json->escaped |= doubled;
		if (doubled) {
			json->buf->end -= plain;
			plain = 0;
		}
		json->error = escape(json->buf, (const uint8_t *)bytes + plain, size - plain, false,
				     doubled);
	}
	put(json, "\"", 1);
}

void json_str(struct jsonout *json, const char *text)
{
	json_text(json, text, strlen(text));
}

void json_say_escaped(struct jsonout *json)
{
	if (json->escaped)
		json_kv_bool(json, "escaped", true);
	json->escaped = false;
}
