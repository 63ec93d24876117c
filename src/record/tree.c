/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/tree.h"

#include <string.h>

#include "base/escape.h"

yajl_val tree_parse(const char *json, size_t size)
{
	_cleanup_free_ char *text = malloc(size + 1);
	yajl_val tree;

	if (!text)
		return NULL;
	memcpy(text, json, size);
	text[size] = '\0';
	if (memchr(text, '\0', size)) /* yajl_tree reads up to the first NUL */
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

int tree_print_value(struct buf *out, yajl_val value)
{
	const char *text = YAJL_IS_STRING(value)   ? value->u.string
			   : YAJL_IS_NUMBER(value) ? value->u.number.r
			   : YAJL_IS_TRUE(value)   ? "true"
			   : YAJL_IS_FALSE(value)  ? "false"
						   : NULL;

	return text ? escape_text(out, text, strlen(text)) : 0;
}

int tree_print(struct buf *out, yajl_val object, const char *key)
{
	return tree_print_value(out, tree_get(object, key));
}
