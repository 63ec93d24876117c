/* SPDX-License-Identifier: BSD-2-Clause */
#include "mcp/utf8.h"

#include <string.h>

static size_t ascii_run(const uint8_t *bytes, size_t size)
{
	size_t at = 0;

	for (; at + 8 <= size; at += 8) {
		uint64_t word;

		memcpy(&word, bytes + at, sizeof(word));
		if (word & 0x8080808080808080ULL)
			break;
	}
	while (at < size && bytes[at] < 0x80)
		at++;
	return at;
}

/* RFC 3629, section 4: what may follow which first byte. */
static bool first_byte(struct utf8_check *check, uint8_t c)
{
	check->low = 0x80;
	check->high = 0xbf;
	if (c >= 0xc2 && c <= 0xdf) {
		check->need = 1;
	} else if (c >= 0xe0 && c <= 0xef) {
		check->need = 2;
		if (c == 0xe0)
			check->low = 0xa0;
		if (c == 0xed)
			check->high = 0x9f;
	} else if (c >= 0xf0 && c <= 0xf4) {
		check->need = 3;
		if (c == 0xf0)
			check->low = 0x90;
		if (c == 0xf4)
			check->high = 0x8f;
	} else {
		return false;
	}
	return true;
}

void utf8_check_feed(struct utf8_check *check, const uint8_t *bytes, size_t size)
{
	size_t at = 0;

	while (at < size && !check->bad) {
		if (!check->need) {
			at += ascii_run(bytes + at, size - at);
			if (at == size)
				return;
			check->bad = !first_byte(check, bytes[at++]);
			continue;
		}
		if (bytes[at] < check->low || bytes[at] > check->high)
			check->bad = true;
		check->low = 0x80;
		check->high = 0xbf;
		check->need--;
		at++;
	}
}

bool utf8_check_end(const struct utf8_check *check)
{
	return !check->bad && !check->need;
}

size_t utf8_cut(const uint8_t *bytes, size_t size)
{
	size_t back = size;

	while (back && size - back < 3 && (bytes[back] & 0xc0) == 0x80)
		back--;
	return (bytes[back] & 0xc0) == 0x80 ? size : back;
}
