/* SPDX-License-Identifier: BSD-2-Clause */
/* Masking within JSON: what a key, an option or a name says of the value that follows. */

#include <errno.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/escape.h"
#include "record/jsonout.h"
#include "record/mask.h"

#define KEY_ROOM 256 /* bytes of a key that are looked at */

/* Whether yajl takes it as exactly one JSON value, nested no deeper than MASK_DEPTH_MAX. */
struct depth {
	unsigned now;
	bool too_deep;
};

static int deeper(void *data)
{
	struct depth *depth = data;

	depth->too_deep |= ++depth->now > MASK_DEPTH_MAX;
	return !depth->too_deep;
}

static int shallower(void *data)
{
	((struct depth *)data)->now--;
	return 1;
}

static void free_parser(yajl_handle *parser)
{
	if (*parser)
		yajl_free(*parser);
}

static int check_json(const char *json, size_t size)
{
	static const yajl_callbacks callbacks = { .yajl_start_map = deeper,
						  .yajl_end_map = shallower,
						  .yajl_start_array = deeper,
						  .yajl_end_array = shallower };
	struct depth depth = { 0 };
	_cleanup_(free_parser) yajl_handle parser = yajl_alloc(&callbacks, NULL, &depth);

	if (!parser)
		return -ENOMEM;
	if (!utf8_valid(json, size))
		return -EBADMSG;
	/* the newline shows an unfinished token behind the value, which yajl alone lets pass */
	if (yajl_parse(parser, (const unsigned char *)json, size) != yajl_status_ok ||
	    yajl_parse(parser, (const unsigned char *)"\n", 1) != yajl_status_ok ||
	    yajl_complete_parse(parser) != yajl_status_ok)
		return depth.too_deep ? -E2BIG : -EBADMSG;
	return 0;
}

/* The walk over text that is known to be valid. */
struct walk {
	struct buf *out;
	const char *json;
	size_t size, at;
	unsigned depth;
	unsigned secret_depth; /* everything nested deeper than this is secret; 0: nothing is */
	bool object[MASK_DEPTH_MAX + 2];
	bool secret_name[MASK_DEPTH_MAX + 2]; /* {"name": "Authorization", "value": … */
	bool is_name; /* the key just read says that its value is a name */
	bool option; /* the string just read is an option whose value is secret: ["--token", … */
	bool after_option; /* … and this is the value */
	bool expect_key;
	bool secret_next; /* the key just read says so */
	bool over; /* the value is whole */
	bool *masked;
};

/* At a quote: the length of the string's inside. */
static size_t string_inside(const struct walk *walk)
{
	size_t at = walk->at + 1;

	while (at < walk->size && walk->json[at] != '"')
		at += walk->json[at] == '\\' ? 2 : 1;
	return (at < walk->size ? at : walk->size) - walk->at - 1;
}

/* Keys are compared without their escapes; \u0061 and the like count as their letter. */
static bool key_is_secret(const char *inside, size_t size)
{
	char plain[KEY_ROOM];
	size_t length = 0;

	for (size_t i = 0; i < size && length < sizeof(plain); i++) {
		if (inside[i] == '\\' && i + 5 < size && inside[i + 1] == 'u') {
			char digits[5] = { inside[i + 2], inside[i + 3], inside[i + 4],
					   inside[i + 5] };
			unsigned long code = strtoul(digits, NULL, 16);

			plain[length++] = code < 0x80 ? (char)code : '?';
			i += 5;
		} else if (inside[i] == '\\') {
			i++;
		} else {
			plain[length++] = inside[i];
		}
	}
	return mask_key(plain, length);
}

static bool is_word(const char *inside, size_t size, const char *word)
{
	return size == strlen(word) && !strncasecmp(inside, word, size);
}

static int walk_string(struct walk *walk)
{
	const char *inside = walk->json + walk->at + 1;
	size_t size = string_inside(walk);
	_cleanup_buf_ struct buf value = { 0 };
	bool secret = walk->secret_next || walk->secret_depth;
	int err = 0;

	walk->at += size + 2;
	if (walk->expect_key) {
		walk->secret_next =
			key_is_secret(inside, size) ||
			(walk->secret_name[walk->depth] && is_word(inside, size, "value"));
		walk->is_name = is_word(inside, size, "name") || is_word(inside, size, "key");
		walk->expect_key = false;
		secret = false;
		err = buf_append(&value, inside, size);
	} else if (secret && !(walk->after_option && size > 1 && !memcmp(inside, "--", 2))) {
		*walk->masked = true;
		err = buf_append_str(&value, MASKED);
	} else {
		if (walk->is_name && walk->object[walk->depth])
			walk->secret_name[walk->depth] = key_is_secret(inside, size);
		walk->option = !walk->object[walk->depth] && size > 1 && inside[0] == '-' &&
			       !memchr(inside, '=', size) && key_is_secret(inside, size);
		err = mask_inside(&value, inside, size, walk->masked);
	}
	if (!err)
		err = buf_append(walk->out, "\"", 1);
	if (!err)
		err = json_escape(walk->out, buf_bytes(&value), buf_size(&value), true);
	return err ? err : buf_append(walk->out, "\"", 1);
}

static int walk_scalar(struct walk *walk)
{
	size_t from = walk->at++;

	while (walk->at < walk->size && !strchr(",]} \t\r\n", walk->json[walk->at]))
		walk->at++;
	if (walk->secret_next || walk->secret_depth) {
		*walk->masked = true;
		return buf_append_str(walk->out, "\"" MASKED "\"");
	}
	return buf_append(walk->out, walk->json + from, walk->at - from);
}

static void walk_structure(struct walk *walk, char c)
{
	if (c == '{' || c == '[') {
		walk->depth++;
		walk->object[walk->depth] = c == '{';
		if (walk->secret_next && !walk->secret_depth)
			walk->secret_depth = walk->depth;
		walk->secret_next = false;
		walk->secret_name[walk->depth] = false;
		walk->option = false;
	} else if (c == '}' || c == ']') {
		if (walk->secret_depth == walk->depth)
			walk->secret_depth = 0;
		walk->depth--;
		walk->option = false;
	} else if (c == ',') {
		walk->secret_next = walk->after_option = walk->option;
		walk->option = false;
	}
	walk->expect_key = (c == '{' || c == ',') && walk->object[walk->depth];
}

int mask_json(struct buf *out, const char *json, size_t size, bool *ret_masked)
{
	struct walk walk = { .out = out, .json = json, .size = size, .masked = ret_masked };
	int err = check_json(json, size);

	while (!err && walk.at < size) {
		char c = json[walk.at];

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			walk.at++;
			err = buf_append(out, " ", 1);
			continue;
		}
		if (walk.over)
			return -EBADMSG;
		if (c == '"') {
			err = walk_string(&walk);
		} else if (c && strchr("{}[],:", c)) {
			walk_structure(&walk, c);
			walk.at++;
			err = buf_append(out, &c, 1);
		} else {
			err = walk_scalar(&walk);
		}
		walk.over = !walk.depth;
	}
	return err;
}
