/* SPDX-License-Identifier: BSD-2-Clause */

#include <stdlib.h>
#include <string.h>

#include "engine/mountinfo.h"

/* Undoes \040 and the like; in place, it only gets shorter. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
		    text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
				       (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

static bool parse(char *text, struct mount_line *ret_line)
{
	char *field[6], *rest = text, *end;
	unsigned long id;
	size_t i;

	for (i = 0; i < 6; i++) {
		field[i] = strsep(&rest, " ");
		if (!field[i] || !rest)
			return false;
	}
	do { /* optional fields end with a single hyphen */
		end = strsep(&rest, " ");
	} while (end && strcmp(end, "-"));
	if (!end || !rest)
		return false;
	id = strtoul(field[0], &end, 10);
	if (*end || end == field[0] || id > UINT32_MAX)
		return false;
	unescape(field[3]);
	unescape(field[4]);
	*ret_line = (struct mount_line){
		.id = (uint32_t)id,
		.dev = field[2],
		.root = field[3],
		.point = field[4],
		.type = strsep(&rest, " "),
	};
	return true;
}

bool mount_line_next(char **at, struct mount_line *ret_line)
{
	char *line;

	while (*at && **at) {
		line = strsep(at, "\n");
		if (parse(line, ret_line))
			return true;
	}
	return false;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	do { /* FNV-1a, the NUL included */
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
	} while (*text++);
	return hash;
}

uint64_t mount_line_hash(const struct mount_line *line)
{
	uint64_t hash = 0xcbf29ce484222325ULL ^ line->id;

	hash = hash_text(hash, line->dev);
	hash = hash_text(hash, line->root);
	return hash_text(hash, line->point);
}

uint64_t mount_line_device(const struct mount_line *line)
{
	return hash_text(0xcbf29ce484222325ULL, line->dev);
}
