/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/mask.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

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

/* Text, or the inside of a JSON string, where quotes and line ends are escaped. */
struct text {
	const char *bytes;
	size_t size;
	bool inside;
};

static size_t slashes_before(const struct text *text, size_t at)
{
	size_t count = 0;

	while (count < at && text->bytes[at - count - 1] == '\\')
		count++;
	return count;
}

/* The quote at `at` with the backslashes before it, which JSON within JSON has. */
static size_t quote_before(const struct text *text, size_t at)
{
	if (!at || (text->bytes[at - 1] != '"' && text->bytes[at - 1] != '\''))
		return at;
	return at - 1 - slashes_before(text, at - 1);
}

/* Up to the quote that is escaped as the opening one is, or less. */
static size_t quoted_length(const struct text *text, size_t value, char quote, size_t slashes)
{
	for (size_t at = value; at < text->size; at++) {
		size_t before = text->bytes[at] == quote ? slashes_before(text, at) : SIZE_MAX;

		if (before <= slashes && at - before >= value)
			return at - before - value;
	}
	return text->size - value;
}

static bool ends_bare_value(const struct text *text, size_t at, char separator, bool cookie)
{
	char c = text->bytes[at];

	if (text->inside && c == '\\' && at + 1 < text->size &&
	    strchr("nrt\"", text->bytes[at + 1]))
		return true;
	if (c == '\n' || c == '\r' || c == '\0')
		return true;
	if (c == ' ')
		return separator != ':';
	return !cookie && (c == '&' || c == ',' || c == ';');
}

/* What is to be kept secret from `value` on. */
static size_t value_length(const struct text *text, size_t value, char separator, bool cookie,
			   size_t *ret_value)
{
	size_t slashes = 0;
	size_t length = 0;

	while (value + slashes < text->size && text->bytes[value + slashes] == '\\')
		slashes++;
	if (value + slashes < text->size &&
	    (text->bytes[value + slashes] == '"' || text->bytes[value + slashes] == '\'')) {
		*ret_value = value + slashes + 1;
		return quoted_length(text, *ret_value, text->bytes[value + slashes], slashes);
	}
	/* an escape is passed over as a whole */
	while (value + length < text->size &&
	       !ends_bare_value(text, value + length, separator, cookie))
		length += text->inside && text->bytes[value + length] == '\\' ? 2 : 1;
	*ret_value = value;
	return length < text->size - value ? length : text->size - value;
}

/*
 * `key=value`, `key: value`, `"key": "value"`, `--key value` with a secret key that ends before the
 * separator at `at`. Returns where the value begins and its length.
 */
static size_t assigned_at(const struct text *text, size_t at, size_t *ret_value)
{
	const char *bytes = text->bytes;
	char separator = bytes[at];
	size_t key_end;
	size_t key;
	size_t value = at + 1;
	bool cookie;

	if (separator != '=' && separator != ':' && separator != ' ')
		return 0;
	key = key_end = separator == ' ' ? at : quote_before(text, at);
	while (key && key_end - key < KEY_MAX && is_key_char(bytes[key - 1]))
		key--;
	if (key == key_end ||
	    (separator == ' ' && (key_end - key < 3 || memcmp(bytes + key, "--", 2))))
		return 0;
	/* the n of \\n is none of the key's */
	if (text->inside && slashes_before(text, key) % 2)
		key++;
	if (!mask_key(bytes + key, key_end - key))
		return 0;
	while (value < text->size && separator != '=' && bytes[value] == ' ')
		value++;
	if (separator == ' ' && value < text->size && bytes[value] == '-')
		return 0; /* another option */
	cookie = key_end - key >= 6 && !strncasecmp(bytes + key_end - 6, "cookie", 6);
	return value_length(text, value, separator, cookie, ret_value);
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

static int mask_run(struct buf *out, const struct text *run, bool *ret_masked)
{
	const char *text = run->bytes;
	size_t size = run->size;
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
			length = assigned_at(run, at, &from);
		if (!length || from + length <= done)
			continue;
		err = put_masked(out, text, done, from + prefix, ret_masked);
		done = from + length;
		at = done - 1;
	}
	return err ? err : buf_append(out, text + done, size - done);
}

int mask_inside(struct buf *out, const char *inside, size_t size, bool *ret_masked)
{
	const struct text run = { inside, size, true };

	return mask_run(out, &run, ret_masked);
}

int mask_text(struct buf *out, const char *text, size_t size, bool *ret_masked)
{
	const struct text run = { text, size, false };

	return mask_run(out, &run, ret_masked);
}
