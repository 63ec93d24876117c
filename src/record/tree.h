/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Reading one JSON payload of the log as a tree. Whatever is not there, or of another type, reads as
 * empty, zero or false: a log of another version must not stop a reader.
 */

#include <stdbool.h>
#include <stddef.h>
#include <yajl/yajl_tree.h>

#include "base/buf.h"

/* NULL when the bytes are no JSON object. Free with yajl_tree_free(). */
yajl_val tree_parse(const char *json, size_t size);
void tree_free(yajl_val *slot);
#define _cleanup_tree_ _cleanup_(tree_free)

yajl_val tree_get(yajl_val object, const char *key);
/* The string's text, or "": of a member, of a value. */
const char *tree_text(yajl_val object, const char *key);
const char *tree_string(yajl_val value);
long long tree_number(yajl_val object, const char *key);
bool tree_true(yajl_val object, const char *key);
/* Number of elements, and one of them; 0 and NULL when it is no array. */
size_t tree_count(yajl_val array);
yajl_val tree_at(yajl_val array, size_t index);

/* The value of `key` escaped for a terminal (base/escape.h), whatever its type. */
int tree_print(struct buf *out, yajl_val object, const char *key);
int tree_print_value(struct buf *out, yajl_val value);
