/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/mask.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/escape.h"
#include "record/jsonout.h"

/* compared without case and without - _ . and blanks; `whole`: the key is nothing else */
static const struct {
	const char *word;
	bool whole;
} secret_keys[] = {
	{ "apikey" },	     { "accesskey" },	 { "secret" },	      { "password" },
	{ "passwd" },	     { "passphrase" },	 { "authorization" }, { "credential" },
	{ "privatekey" },    { "accesstoken" },	 { "authtoken" },     { "refreshtoken" },
	{ "idtoken" },	     { "sessiontoken" }, { "bearertoken" },   { "token", true },
	{ "pwd", true },     { "pass", true },	 { "cookie", true },  { "setcookie", true },
	{ "xapikey", true }, { "auth", true },	 { "bearer", true },  { "githubtoken" },
	{ "apitoken" },	     { "clientsecret" },
};

#define KEY_MAX 64

static size_t normalise(const char *key, size_t size, char *out)
{
	size_t length = 0;

	for (size_t i = 0; i < size && length < KEY_MAX; i++)
		if (isalnum((unsigned char)key[i]))
			out[length++] = (char)tolower((unsigned char)key[i]);
	return length;
}

bool mask_key(const char *key, size_t size)
{
	char name[KEY_MAX];
	size_t length = normalise(key, size, name);

	/* FOO_TOKEN and foo-token, but not "tokens" or "max_tokens" */
	if (length > 5 && !memcmp(name + length - 5, "token", 5))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(secret_keys); i++) {
		size_t word = strlen(secret_keys[i].word);

		if (secret_keys[i].whole
			    ? length == word && !memcmp(name, secret_keys[i].word, word)
			    : memmem(name, length, secret_keys[i].word, word) != NULL)
			return true;
	}
	return false;
}

/* Shapes: a prefix, then at least `least` characters of a token. */
static const struct {
	const char *prefix;
	size_t least;
	bool fold; /* the prefix in any case */
	bool keep; /* the prefix stays readable */
} shapes[] = {
	{ "Bearer ", 8, true, true },	     { "Basic ", 8, true, true },
	{ "sk-", 16, false, false },	     { "sk_live_", 8, false, false },
	{ "sk_test_", 8, false, false },     { "ghp_", 16, false, false },
	{ "gho_", 16, false, false },	     { "ghs_", 16, false, false },
	{ "ghu_", 16, false, false },	     { "ghr_", 16, false, false },
	{ "github_pat_", 16, false, false }, { "glpat-", 16, false, false },
	{ "AKIA", 16, false, false },	     { "ASIA", 16, false, false },
	{ "xoxb-", 10, false, false },	     { "xoxp-", 10, false, false },
	{ "xoxa-", 10, false, false },	     { "AIza", 30, false, false },
	{ "npm_", 30, false, false },	     { "eyJ", 30, false, false },
};

static bool is_token_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("-_.~+/=", c));
}

static size_t token_length(const char *text, size_t size)
{
	size_t length = 0;

	while (length < size && is_token_char(text[length]))
		length++;
	return length;
}

/* Length of the secret that begins at `text`, and how much of it is a readable prefix. */
static size_t shape_at(const char *text, size_t size, size_t *ret_prefix)
{
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		size_t prefix = strlen(shapes[i].prefix);
		size_t length;

		if (size < prefix + shapes[i].least ||
		    (shapes[i].fold ? strncasecmp(text, shapes[i].prefix, prefix)
				    : strncmp(text, shapes[i].prefix, prefix)))
			continue;
		length = token_length(text + prefix, size - prefix);
		if (length < shapes[i].least)
			continue;
		*ret_prefix = shapes[i].keep ? prefix : 0;
		return prefix + length;
	}
	return 0;
}

static const char private_key[] = "-----BEGIN ";

/* A PEM private key: everything up to the end of its last line. */
static size_t pem_at(const char *text, size_t size)
{
	const char *label;
	const char *end;

	if (size < sizeof(private_key) || memcmp(text, private_key, sizeof(private_key) - 1))
		return 0;
	label = memmem(text, size < 64 ? size : 64, "PRIVATE KEY", 11);
	if (!label)
		return 0;
	end = memmem(label, size - (size_t)(label - text), "-----END ", 9);
	if (!end)
		return size;
	end = memmem(end + 9, size - (size_t)(end + 9 - text), "-----", 5);
	return end ? (size_t)(end + 5 - text) : size;
}

static bool is_key_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/*
 * `key=value`, `key: value`, `"key": "value"` with a secret key that ends before text[at], where
 * the = or : stands. Returns where the value begins and its length.
 */
static size_t assigned_at(const char *text, size_t size, size_t at, size_t *ret_value)
{
	size_t key_end = at;
	size_t key;
	size_t value = at + 1;
	size_t length = 0;
	char quote = 0;

	if (text[at] != '=' && text[at] != ':')
		return 0;
	if (key_end && (text[key_end - 1] == '"' || text[key_end - 1] == '\''))
		key_end--;
	key = key_end;
	while (key && key_end - key < KEY_MAX && is_key_char(text[key - 1]))
		key--;
	if (key == key_end || !mask_key(text + key, key_end - key))
		return 0;
	while (value < size && text[at] == ':' && text[value] == ' ')
		value++;
	if (value < size && (text[value] == '"' || text[value] == '\''))
		quote = text[value++];
	/* "authorization: Bearer x": the scheme's name is no secret, what follows is */
	while (value + length < size && text[value + length] != quote) {
		char c = text[value + length];

		if (!quote && (c == '\n' || c == '\r' || c == '&' || c == ',' || c == ';' ||
			       (c == ' ' && text[at] == '=')))
			break;
		length++;
	}
	*ret_value = value;
	return length;
}

/* scheme://user:password@host: the part before the @ */
static size_t userinfo_at(const char *text, size_t size, size_t at)
{
	size_t length = 0;
	bool colon = false;

	if (at < 3 || memcmp(text + at - 3, "://", 3))
		return 0;
	while (at + length < size && length < 512) {
		char c = text[at + length];

		if (c == '@')
			return colon ? length : 0;
		if (c == '/' || c == ' ' || c == '"' || c == '\n')
			return 0;
		colon |= c == ':';
		length++;
	}
	return 0;
}

/*
 * A token begins behind what is no part of one, or behind an escape like \\n. It never begins inside
 * an escape: the text may be the inside of a JSON string, which must stay one.
 */
static bool token_may_begin(const char *text, size_t at)
{
	if (!at)
		return true;
	if (text[at - 1] == '\\')
		return false;
	return !isalnum((unsigned char)text[at - 1]) || (at > 1 && text[at - 2] == '\\');
}

static int put_masked(struct buf *out, const char *text, size_t from, size_t until, bool *masked)
{
	int err = buf_append(out, text + from, until - from);

	*masked = true;
	return err ? err : buf_append_str(out, MASKED);
}

int mask_text(struct buf *out, const char *text, size_t size, bool *ret_masked)
{
	size_t done = 0;
	int err = 0;

	for (size_t at = 0; at < size && !err; at++) {
		size_t prefix = 0;
		size_t from = at;
		size_t length = 0;

		if (token_may_begin(text, at))
			length = shape_at(text + at, size - at, &prefix);
		if (!length)
			length = pem_at(text + at, size - at);
		if (!length)
			length = userinfo_at(text, size, at);
		if (!length)
			length = assigned_at(text, size, at, &from);
		if (!length || from + length <= done)
			continue;
		err = put_masked(out, text, done, from + prefix, ret_masked);
		done = from + length;
		at = done - 1;
	}
	return err ? err : buf_append(out, text + done, size - done);
}

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
	char plain[4 * KEY_MAX];
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

static int walk_string(struct walk *walk)
{
	const char *inside = walk->json + walk->at + 1;
	size_t size = string_inside(walk);
	_cleanup_buf_ struct buf value = { 0 };
	bool secret = walk->secret_next || walk->secret_depth;
	int err = 0;

	walk->at += size + 2;
	if (walk->expect_key) {
		walk->secret_next = key_is_secret(inside, size);
		walk->expect_key = false;
		secret = false;
		err = buf_append(&value, inside, size);
	} else if (secret) {
		*walk->masked = true;
		err = buf_append_str(&value, MASKED);
	} else {
		err = mask_text(&value, inside, size, walk->masked);
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
	} else if (c == '}' || c == ']') {
		if (walk->secret_depth == walk->depth)
			walk->secret_depth = 0;
		walk->depth--;
	} else if (c == ',') {
		walk->secret_next = false;
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
