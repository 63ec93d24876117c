/* SPDX-License-Identifier: BSD-2-Clause */

#include "cli/columns.h"

#include <stdarg.h>
#include <string.h>

#include "base/escape.h"

void columns_free(struct columns *columns)
{
	for (size_t i = 0; i < columns->count; i++)
		free(columns->cells[i]);
	free(columns->cells);
	*columns = (struct columns){ .width = columns->width };
}

static int add_owned(struct columns *columns, char *cell)
{
	if (!cell)
		return -ENOMEM;
	if (columns->count == columns->capacity) {
		size_t capacity = columns->capacity ? columns->capacity * 2 : 64;
		char **cells = reallocarray(columns->cells, capacity, sizeof(*cells));

		if (!cells) {
			free(cell);
			return -ENOMEM;
		}
		columns->cells = cells;
		columns->capacity = capacity;
	}
	columns->cells[columns->count++] = cell;
	return 0;
}

int columns_add(struct columns *columns, const char *cell)
{
	return add_owned(columns, strdup(cell && *cell ? cell : "-"));
}

int columns_addf(struct columns *columns, const char *format, ...)
{
	va_list list;
	char *cell = NULL;
	int r;

	va_start(list, format);
	r = vasprintf(&cell, format, list);
	va_end(list);
	return r < 0 ? -ENOMEM : add_owned(columns, cell);
}

/* Columns on a terminal, counted as code points: escaped text has no combining surprises that
 * could do more than misalign. */
static size_t text_columns(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

int columns_add_foreign(struct columns *columns, const char *text, size_t max)
{
	_cleanup_buf_ struct buf shown = { 0 };
	size_t bytes = 0, seen = 0;
	const char *start;
	int r;

	if (!text || !*text)
		return columns_add(columns, NULL);
	r = escape_text(&shown, text, strlen(text));
	if (r >= 0)
		r = buf_append(&shown, "", 1);
	if (r < 0)
		return r;
	start = (const char *)buf_bytes(&shown);
	if (text_columns(start) <= max)
		return columns_add(columns, start);
	while (start[bytes] && seen + 1 < max) {
		do
			bytes++;
		while (((unsigned char)start[bytes] & 0xc0) == 0x80);
		seen++;
	}
	return columns_addf(columns, "%.*s…", (int)bytes, start);
}

void columns_print(const struct columns *columns, FILE *out, unsigned right)
{
	size_t widths[32] = { 0 };
	size_t width = columns->width;

	if (width == 0 || width > ARRAY_LEN(widths))
		return;
	for (size_t i = 0; i < columns->count; i++) {
		size_t cell = text_columns(columns->cells[i]);

		if (cell > widths[i % width])
			widths[i % width] = cell;
	}
	for (size_t i = 0; i < columns->count; i++) {
		size_t at = i % width;
		int pad = (int)(widths[at] - text_columns(columns->cells[i]));

		if (right & (1U << at))
			fprintf(out, "%*s%s", pad, "", columns->cells[i]);
		else
			fputs(columns->cells[i], out);
		if (at + 1 == width)
			fputc('\n', out);
		else
			fprintf(out, "%*s", (right & (1U << at) ? 0 : pad) + 2, "");
	}
}
