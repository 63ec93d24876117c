/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Reading one JSON payload of the log as a tree. Whatever is not there, or of another type, reads as
 * empty, zero or false: a log of another version must not stop a reader.
 */

#include <stdbool.h>
#include <stddef.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

#include "base/buf.h"

/*
 * NULL when the bytes are no JSON object. Free with yajl_tree_free(). A NUL in a string, at which
 * its text would seem to end, is read as U+2400, the sign for it.
 */
yajl_val tree_parse(const char *json, size_t size);
void tree_free(yajl_val *slot);
#define _cleanup_tree_ _cleanup_(tree_free)

/* The same for JSON that is parsed elsewhere: in place, of the same length. */
void tree_show_nul(char *json, size_t size);

yajl_val tree_get(yajl_val object, const char *key);
/* The string's text, or "": of a member, of a value. */
const char *tree_text(yajl_val object, const char *key);
const char *tree_string(yajl_val value);
long long tree_number(yajl_val object, const char *key);
bool tree_true(yajl_val object, const char *key);
/* Number of elements, and one of them; 0 and NULL when it is no array. */
size_t tree_count(yajl_val array);
yajl_val tree_at(yajl_val array, size_t index);

/* As JSON again; what is more than 100 levels deep becomes null. */
void tree_write(yajl_gen gen, yajl_val value);

/* The value of `key` escaped for a terminal (base/escape.h), whatever its type. */
int tree_print(struct buf *out, yajl_val object, const char *key);
int tree_print_value(struct buf *out, yajl_val value);
/* A text out of `object`, which says whether its strings are escaped already; at most `max` bytes
 * of it, 0: all. */
int tree_print_text(struct buf *out, yajl_val object, const char *text, size_t max);
