/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * An aligned table on a stream. Cells are copied; the caller has escaped what came from outside.
 */

#include <stdio.h>

#include "base/cleanup.h"

struct columns {
	char **cells;
	size_t count;
	size_t capacity;
	size_t width; /* cells in a row */
};

void columns_free(struct columns *columns);
#define _cleanup_columns_ _cleanup_(columns_free)

/* Rows must be filled: a multiple of `width` cells. NULL counts as "-". 0 or -ENOMEM. */
int columns_add(struct columns *columns, const char *cell);
int columns_addf(struct columns *columns, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same for text from outside: escaped, and cut to `max` columns with an ellipsis. */
int columns_add_foreign(struct columns *columns, const char *text, size_t max);
/* Two blanks between columns; columns whose bit is set in `right` are aligned to the right. */
void columns_print(const struct columns *columns, FILE *out, unsigned right);
