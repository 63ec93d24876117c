/* SPDX-License-Identifier: BSD-2-Clause */

#include "cli/print_json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/escape.h"

yajl_gen print_json_new(void)
{
	return yajl_gen_alloc(NULL);
}

void print_json_text(yajl_gen gen, const char *text)
{
	_cleanup_buf_ struct buf shown = { 0 };
	const void *bytes = text;
	size_t size = strlen(text);

	if (!utf8_valid(text, size)) {
		if (escape_text(&shown, text, size) < 0) {
			yajl_gen_null(gen);
			return;
		}
		bytes = buf_bytes(&shown);
		size = buf_size(&shown);
	}
	yajl_gen_string(gen, bytes, size);
}

void print_json_number(yajl_gen gen, uint64_t number)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%" PRIu64, number);

	yajl_gen_number(gen, text, (size_t)length);
}

void print_json_field(yajl_gen gen, const char *name, const char *text)
{
	if (!text)
		return;
	print_json_text(gen, name);
	print_json_text(gen, text);
}

void print_json_count(yajl_gen gen, const char *name, uint64_t number)
{
	print_json_text(gen, name);
	print_json_number(gen, number);
}

void print_json_bool(yajl_gen gen, const char *name, bool value)
{
	print_json_text(gen, name);
	yajl_gen_bool(gen, value);
}

int print_json_line(yajl_gen gen, FILE *out)
{
	const unsigned char *bytes;
	size_t size;
	int r = 0;

	if (yajl_gen_get_buf(gen, &bytes, &size) != yajl_gen_status_ok)
		r = -EINVAL;
	else if (fwrite(bytes, 1, size, out) != size || fputc('\n', out) == EOF)
		r = -EIO;
	yajl_gen_free(gen);
	return r;
}
