/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/tree.h"

#include <string.h>

#include "base/escape.h"

#define NESTING_MAX 10000 /* of what is read: more than any entry has */
#define DEPTH_MAX 100 /* of what is written again */

void tree_show_nul(char *json, size_t size)
{
	for (size_t at = 0; at + 6 <= size; at++) {
		if (json[at] != '\\')
			continue;
		if (!memcmp(json + at, "\\u0000", 6))
			json[at + 2] = '2', json[at + 3] = '4';
		at++; /* the escaped character begins no escape */
	}
}

/* A tree is freed level by level on the stack. */
static bool nests_too_deep(const char *text)
{
	size_t depth = 0;
	bool quoted = false;

	for (; *text; text++) {
		if (quoted && *text == '\\' && text[1])
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (!quoted && (*text == '[' || *text == '{') && ++depth > NESTING_MAX)
			return true;
		else if (!quoted && (*text == ']' || *text == '}') && depth)
			depth--;
	}
	return false;
}

yajl_val tree_parse(const char *json, size_t size)
{
	_cleanup_free_ char *text = malloc(size + 1);
	yajl_val tree;

	if (!text)
		return NULL;
	memcpy(text, json, size);
	text[size] = '\0';
	tree_show_nul(text, size);
	if (memchr(text, '\0', size)) /* yajl_tree reads up to the first NUL */
		return NULL;
	if (nests_too_deep(text))
		return NULL;
	tree = yajl_tree_parse(text, NULL, 0);
	if (tree && !YAJL_IS_OBJECT(tree)) {
		yajl_tree_free(tree);
		return NULL;
	}
	return tree;
}

void tree_free(yajl_val *slot)
{
	if (*slot)
		yajl_tree_free(*slot);
}

yajl_val tree_get(yajl_val object, const char *key)
{
	const char *path[] = { key, NULL };

	return YAJL_IS_OBJECT(object) ? yajl_tree_get(object, path, yajl_t_any) : NULL;
}

const char *tree_string(yajl_val value)
{
	return YAJL_IS_STRING(value) ? value->u.string : "";
}

const char *tree_text(yajl_val object, const char *key)
{
	return tree_string(tree_get(object, key));
}

long long tree_number(yajl_val object, const char *key)
{
	yajl_val value = tree_get(object, key);

	return YAJL_IS_INTEGER(value) ? YAJL_GET_INTEGER(value) : 0;
}

bool tree_true(yajl_val object, const char *key)
{
	yajl_val value = tree_get(object, key);

	return YAJL_IS_TRUE(value);
}

size_t tree_count(yajl_val array)
{
	return YAJL_IS_ARRAY(array) ? YAJL_GET_ARRAY(array)->len : 0;
}

yajl_val tree_at(yajl_val array, size_t index)
{
	return index < tree_count(array) ? YAJL_GET_ARRAY(array)->values[index] : NULL;
}

/* In an object that holds bytes which are no UTF-8, its strings have been escaped once already. */
static int print_escaped(struct buf *out, const char *text, size_t size)
{
	int err = 0;

	while (size && !err) {
		const char *slash = memchr(text, '\\', size);
		size_t run = slash ? (size_t)(slash - text) : size;

		err = escape_text(out, text, run);
		if (!err && slash)
			err = buf_append(out, slash, 1);
		run += slash != NULL;
		text += run;
		size -= run;
	}
	return err;
}

int tree_print_text(struct buf *out, yajl_val object, const char *text, size_t max)
{
	size_t size = strlen(text);
	int err;

	if (max && size > max) {
		size = max;
		while (size && (text[size] & 0xc0) == 0x80) /* not within a character */
			size--;
	}
	err = tree_true(object, "escaped") ? print_escaped(out, text, size)
					   : escape_text(out, text, size);
	return err || !text[size] ? err : buf_append_str(out, "…");
}

static const char *value_text(yajl_val value)
{
	return YAJL_IS_STRING(value)   ? value->u.string
	       : YAJL_IS_NUMBER(value) ? value->u.number.r
	       : YAJL_IS_TRUE(value)   ? "true"
	       : YAJL_IS_FALSE(value)  ? "false"
				       : "";
}

int tree_print_value(struct buf *out, yajl_val value)
{
	const char *text = value_text(value);

	return escape_text(out, text, strlen(text));
}

int tree_print(struct buf *out, yajl_val object, const char *key)
{
	return tree_print_text(out, object, value_text(tree_get(object, key)), 0);
}

static void write_value(yajl_gen gen, yajl_val value, unsigned depth)
{
	if (!value || depth > DEPTH_MAX) {
		yajl_gen_null(gen);
	} else if (YAJL_IS_STRING(value)) {
		const char *text = tree_string(value);

		yajl_gen_string(gen, (const unsigned char *)text, strlen(text));
	} else if (YAJL_IS_NUMBER(value)) {
		yajl_gen_number(gen, value->u.number.r, strlen(value->u.number.r));
	} else if (YAJL_IS_TRUE(value) || YAJL_IS_FALSE(value)) {
		yajl_gen_bool(gen, YAJL_IS_TRUE(value));
	} else if (YAJL_IS_ARRAY(value)) {
		yajl_gen_array_open(gen);
		for (size_t i = 0; i < value->u.array.len; i++)
			write_value(gen, value->u.array.values[i], depth + 1);
		yajl_gen_array_close(gen);
	} else if (YAJL_IS_OBJECT(value)) {
		yajl_gen_map_open(gen);
		for (size_t i = 0; i < value->u.object.len; i++) {
			const char *key = value->u.object.keys[i];

			yajl_gen_string(gen, (const unsigned char *)key, strlen(key));
			write_value(gen, value->u.object.values[i], depth + 1);
		}
		yajl_gen_map_close(gen);
	} else {
		yajl_gen_null(gen);
	}
}

void tree_write(yajl_gen gen, yajl_val value)
{
	write_value(gen, value, 0);
}
