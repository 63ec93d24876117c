/* SPDX-License-Identifier: BSD-2-Clause */
/* What a call's arguments say, for the names that templates ask for. */

#include "policy/grant_arguments.h"

#include <errno.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/escape.h"

struct arguments {
	struct policy_argument *arguments;
	size_t count;
	unsigned depth; /* of what is open */
	size_t kept; /* values of all arguments */
	bool no_object; /* the text is something else than an object */
	bool failed; /* no memory */
};

/* The members of `a.b.c`: the one with the number `index`. */
static const char *member(const struct policy_argument *argument, unsigned index, size_t *ret_size)
{
	const char *at = argument->name, *end = at + argument->name_size, *dot;

	for (;; index--, at = dot + 1) {
		dot = memchr(at, '.', (size_t)(end - at));
		if (!index || !dot)
			break;
	}
	*ret_size = (size_t)((dot ? dot : end) - at);
	return at;
}

/*
 * Go's encoding/json finds a key in any case; by the simple folding of Unicode two characters
 * beyond ASCII equal an ASCII letter: U+017F (long s) and U+212A (Kelvin sign).
 */
static size_t fold(const unsigned char *at, size_t size, char *ret_char)
{
	if (size >= 2 && at[0] == 0xc5 && at[1] == 0xbf) {
		*ret_char = 's';
		return 2;
	}
	if (size >= 3 && at[0] == 0xe2 && at[1] == 0x84 && at[2] == 0xaa) {
		*ret_char = 'k';
		return 3;
	}
	*ret_char = at[0] >= 'A' && at[0] <= 'Z' ? (char)(at[0] | 0x20) : (char)at[0];
	return 1;
}

static bool alike(const unsigned char *a, size_t a_size, const unsigned char *b, size_t b_size)
{
	while (a_size && b_size) {
		char a_char, b_char;
		size_t a_step = fold(a, a_size, &a_char), b_step = fold(b, b_size, &b_char);

		if (a_char != b_char)
			return false;
		a += a_step;
		a_size -= a_step;
		b += b_step;
		b_size -= b_step;
	}
	return !a_size && !b_size;
}

static void meet_key(struct policy_argument *argument, const unsigned char *key, size_t size)
{
	size_t name_size;
	const char *name = member(argument, argument->within, &name_size);
	uint64_t bit = 1ULL << argument->within;

	if (!alike(key, size, (const unsigned char *)name, name_size))
		return;
	if (argument->seen & bit)
		argument->twice = true;
	argument->seen |= bit;
	argument->next = size == name_size && memcmp(key, name, size) == 0;
}

static int on_key(void *data, const unsigned char *key, size_t size)
{
	struct arguments *all = data;

	for (size_t i = 0; i < all->count; i++) {
		struct policy_argument *argument = &all->arguments[i];

		/* in the object that its members so far lead to */
		if (argument->within + 1 == all->depth && argument->within < argument->members &&
		    argument->members <= POLICY_ARGUMENT_MEMBERS_MAX)
			meet_key(argument, key, size);
	}
	return 1;
}

static int keep(struct arguments *all, struct policy_argument *argument, enum policy_grant_why why,
		const unsigned char *bytes, size_t size)
{
	struct policy_value value = { .why = why };

	if (all->kept == POLICY_GRANT_ENTRIES_MAX) {
		argument->more = true;
		return 1;
	}
	if ((argument->count & (argument->count + 1)) == 0) { /* full at 0, 1, 3, 7, … */
		struct policy_value *grown =
			realloc(argument->values, (argument->count * 2 + 1) * sizeof(*grown));

		if (!grown)
			goto failed;
		argument->values = grown;
	}
	if (why == POLICY_GRANT_OK) {
		value.bytes = malloc(size + 1);
		if (!value.bytes)
			goto failed;
		memcpy(value.bytes, bytes, size);
		value.bytes[size] = '\0';
		value.size = size;
	}
	all->kept++;
	argument->values[argument->count++] = value;
	return 1;
failed:
	all->failed = true;
	return 0;
}

/* Whether a value that comes now is one of the argument's; `next` is over with it. */
static bool is_value(const struct arguments *all, struct policy_argument *argument)
{
	bool next = argument->next;

	argument->next = false;
	if (argument->open)
		return all->depth == argument->members + 1;
	return next;
}

static bool is_last(const struct policy_argument *argument)
{
	return argument->open || argument->within + 1 == argument->members;
}

/* A value that is no string: `why` for the argument itself or the element of its array. */
static int on_other(struct arguments *all, enum policy_grant_why why)
{
	int go_on = 1;

	all->no_object |= all->depth == 0;
	for (size_t i = 0; go_on && i < all->count; i++) {
		struct policy_argument *argument = &all->arguments[i];

		if (!is_value(all, argument))
			continue;
		if (argument->open)
			go_on = keep(all, argument, POLICY_GRANT_TYPE, NULL, 0);
		else
			argument->why = why;
	}
	return go_on;
}

static int on_null(void *data)
{
	return on_other(data, POLICY_GRANT_ABSENT);
}

static int on_boolean(void *data, int value)
{
	return on_other(data, POLICY_GRANT_TYPE);
}

static int on_number(void *data, const char *text, size_t size)
{
	return on_other(data, POLICY_GRANT_TYPE);
}

static int on_string(void *data, const unsigned char *bytes, size_t size)
{
	struct arguments *all = data;
	enum policy_grant_why why = POLICY_GRANT_OK;
	int go_on = 1;

	all->no_object |= all->depth == 0;
	if (!size)
		why = POLICY_GRANT_EMPTY;
	else if (memchr(bytes, '\0', size))
		why = POLICY_GRANT_NUL;
	else if (size > POLICY_ARGUMENT_BYTES_MAX)
		why = POLICY_GRANT_LONG;
	for (size_t i = 0; go_on && i < all->count; i++) {
		struct policy_argument *argument = &all->arguments[i];

		if (!is_value(all, argument))
			continue;
		argument->why = is_last(argument) ? POLICY_GRANT_OK : POLICY_GRANT_TYPE;
		if (is_last(argument))
			go_on = keep(all, argument, why, bytes, size);
	}
	return go_on;
}

/* An object or array begins as a value of the argument. */
static int enter(struct arguments *all, struct policy_argument *argument, bool map)
{
	if (argument->open)
		return keep(all, argument, POLICY_GRANT_TYPE, NULL, 0);
	if (map && argument->within + 1 < argument->members) {
		argument->within++;
	} else if (!map && argument->within + 1 == argument->members) {
		argument->open = true;
		argument->why = POLICY_GRANT_EMPTY;
		/* its depth, for is_value(): one behind that of the object it is in */
		argument->within++;
	} else {
		argument->why = POLICY_GRANT_TYPE;
	}
	return 1;
}

static int begin(struct arguments *all, bool map)
{
	int go_on = 1;

	all->no_object |= all->depth == 0 && !map;
	for (size_t i = 0; go_on && i < all->count; i++) {
		if (is_value(all, &all->arguments[i]))
			go_on = enter(all, &all->arguments[i], map);
	}
	return go_on && ++all->depth <= POLICY_ARGUMENT_DEPTH_MAX;
}

static int end(struct arguments *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct policy_argument *argument = &all->arguments[i];

		if (argument->within + 1 == all->depth && argument->within) {
			argument->within--;
			argument->open = false;
		}
	}
	all->depth--;
	return 1;
}

static int on_start_map(void *data)
{
	return begin(data, true);
}

static int on_start_array(void *data)
{
	return begin(data, false);
}

static int on_end(void *data)
{
	return end(data);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end,
};

static bool hex4(const char *at, const char *end, unsigned *ret_code)
{
	unsigned code = 0;

	if (end - at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *digit = at[i] ? strchr(digits, at[i]) : NULL;

		if (!digit)
			return false;
		code = code << 4 | (unsigned)((digit - digits) & 15);
	}
	*ret_code = code;
	return true;
}

/*
 * Half of a surrogate pair, alone: one reader takes it for U+FFFD, another for a question mark, and
 * Python makes a single byte of some.
 */
static bool has_lone_surrogate(const char *json, size_t size)
{
	const char *at = json, *end = json + size;
	unsigned code, second;

	while ((at = memchr(at, '\\', (size_t)(end - at))) && end - at >= 2) {
		bool escape = at[1] == 'u';

		at += 2;
		if (!escape || !hex4(at, end, &code))
			continue;
		at += 4;
		if (code < 0xd800 || code > 0xdfff)
			continue;
		if (code >= 0xdc00 || end - at < 6 || at[0] != '\\' || at[1] != 'u' ||
		    !hex4(at + 2, end, &second) || second < 0xdc00 || second > 0xdfff)
			return true;
		at += 6;
	}
	return false;
}

static void free_parser(yajl_handle *parser)
{
	if (*parser)
		yajl_free(*parser);
}

static bool is_read(yajl_handle parser, const char *json, size_t size)
{
	/* the newline shows an unfinished token behind the value, which yajl alone lets pass */
	return yajl_parse(parser, (const unsigned char *)json, size) == yajl_status_ok &&
	       yajl_parse(parser, (const unsigned char *)"\n", 1) == yajl_status_ok &&
	       yajl_complete_parse(parser) == yajl_status_ok;
}

static void prepare(struct policy_argument *argument)
{
	argument->why = POLICY_GRANT_ABSENT;
	argument->members = 1;
	for (size_t i = 0; i < argument->name_size; i++)
		argument->members += argument->name[i] == '.';
}

/* What was read so far of a text that cannot be read, or in two ways, is nothing. */
static void forget(struct policy_argument *argument)
{
	for (size_t i = 0; i < argument->count; i++)
		free(argument->values[i].bytes);
	argument->count = 0;
	argument->more = false;
	argument->why = POLICY_GRANT_JSON;
}

int policy_arguments_read(const char *json, size_t size, struct policy_argument *arguments,
			  size_t count)
{
	struct arguments all = { .arguments = arguments, .count = count };
	_cleanup_(free_parser) yajl_handle parser = NULL;
	bool read;

	for (size_t i = 0; i < count; i++)
		prepare(&arguments[i]);
	if (!json || !count)
		return 0;
	parser = yajl_alloc(&callbacks, NULL, &all);
	if (!parser)
		return -ENOMEM;
	read = utf8_valid(json, size) && !has_lone_surrogate(json, size) &&
	       is_read(parser, json, size);
	if (all.failed)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct policy_argument *argument = &arguments[i];

		if (!read || all.no_object || argument->twice ||
		    argument->members > POLICY_ARGUMENT_MEMBERS_MAX)
			forget(argument);
		else if (argument->count || argument->more)
			argument->why = POLICY_GRANT_OK;
	}
	return 0;
}

void policy_arguments_free(struct policy_argument *arguments, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < arguments[i].count; j++)
			free(arguments[i].values[j].bytes);
		free(arguments[i].values);
	}
}
