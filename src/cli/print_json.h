/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One JSON object per line on a stream. Text that is no UTF-8 is written escaped, so that the line
 * is always valid JSON.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <yajl/yajl_gen.h>

yajl_gen print_json_new(void); /* NULL: no memory */
void print_json_text(yajl_gen gen, const char *text);
void print_json_number(yajl_gen gen, uint64_t number);
void print_json_field(yajl_gen gen, const char *name, const char *text); /* NULL: left out */
void print_json_count(yajl_gen gen, const char *name, uint64_t number);
void print_json_bool(yajl_gen gen, const char *name, bool value);
/* Writes the object and a newline, and frees the generator. 0 or -EIO, -EINVAL. */
int print_json_line(yajl_gen gen, FILE *out);
