/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/escape.h"

size_t utf8_sequence(const unsigned char *bytes, size_t size, unsigned *ret_code)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned code;
	size_t length;

	if (!size)
		return 0;
	if (bytes[0] < 0x80) {
		*ret_code = bytes[0];
		return 1;
	}
	if ((bytes[0] & 0xe0) == 0xc0)
		length = 2;
	else if ((bytes[0] & 0xf0) == 0xe0)
		length = 3;
	else if ((bytes[0] & 0xf8) == 0xf0)
		length = 4;
	else
		return 0;
	if (size < length)
		return 0;
	code = bytes[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3fU);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return length;
}

int utf8_valid(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	while (size) {
		unsigned code;
		size_t length = utf8_sequence(at, size, &code);

		if (!length)
			return 0;
		at += length;
		size -= length;
	}
	return 1;
}

/*
 * Characters that a terminal or a reader does not show as themselves: C0, DEL and C1 controls,
 * zero-width and direction marks, line and paragraph separators, blanks other than U+0020,
 * variation selectors, tags, the byte order mark (Unicode 15, general categories Cc, Cf, Zl, Zp
 * and Zs).
 */
static int code_is_hidden(unsigned code)
{
	static const struct {
		unsigned first, last;
	} ranges[] = {
		{ 0x00, 0x1f },	      { 0x7f, 0xa0 },	     { 0xad, 0xad },
		{ 0x600, 0x605 },     { 0x61c, 0x61c },	     { 0x6dd, 0x6dd },
		{ 0x70f, 0x70f },     { 0x115f, 0x1160 },    { 0x1680, 0x1680 },
		{ 0x180b, 0x180f },   { 0x2000, 0x200f },    { 0x2028, 0x202f },
		{ 0x205f, 0x206f },   { 0x3000, 0x3000 },    { 0x3164, 0x3164 },
		{ 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },    { 0xffa0, 0xffa0 },
		{ 0xfff0, 0xfffb },   { 0x110bd, 0x110bd },  { 0x110cd, 0x110cd },
		{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },  { 0xe0000, 0xe0fff },
		{ 0xe000, 0xf8ff },   { 0xf0000, 0x10ffff },
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return 1;
	return 0;
}

static int escape_code(struct buf *out, unsigned code)
{
	switch (code) {
	case '\n':
		return buf_append_str(out, "\\n");
	case '\t':
		return buf_append_str(out, "\\t");
	case '\r':
		return buf_append_str(out, "\\r");
	case '\\':
		return buf_append_str(out, "\\\\");
	default:
		return buf_printf(out, code < 0x80 ? "\\x%02x" : "\\u{%x}", code);
	}
}

int escape_text(struct buf *out, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	int err;

	while (size) {
		unsigned code = 0;
		size_t length = utf8_sequence(at, size, &code);

		if (!length) {
			err = buf_printf(out, "\\x%02x", at[0]);
			length = 1;
		} else if (code == '\\' || code_is_hidden(code)) {
			err = escape_code(out, code);
		} else {
			err = buf_append(out, at, length);
		}
		if (err)
			return err;
		at += length;
		size -= length;
	}
	return 0;
}
