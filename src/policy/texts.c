/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/texts.h"

#include <errno.h>
#include <string.h>

void policy_texts_free(struct policy_texts *texts)
{
	for (size_t i = 0; texts->sources && i < texts->sources->count; i++) {
		if (texts->lines)
			free(texts->lines[i]);
		if (texts->starts)
			free(texts->starts[i]);
	}
	free(texts->lines);
	free(texts->starts);
	buf_free(&texts->bytes);
}

static int find_lines(struct policy_texts *texts, size_t file)
{
	const struct policy_file *source = &texts->sources->files[file];
	const char *end = source->text + source->size;
	uint32_t count = 1, line = 1;

	for (const char *at = source->text; at < end; at++)
		count += *at == '\n';
	texts->starts[file] = calloc(count + 1, sizeof(uint32_t));
	texts->lines[file] = calloc(count + 1, sizeof(struct mf_pol_text));
	if (!texts->starts[file] || !texts->lines[file])
		return -ENOMEM;
	for (const char *at = source->text; at < end; at++) {
		if (*at == '\n')
			texts->starts[file][++line] = (uint32_t)(at + 1 - source->text);
	}
	return 0;
}

int policy_texts_start(struct policy_texts *texts, const struct policy_sources *sources)
{
	int r = 0;

	texts->sources = sources;
	texts->lines = calloc(sources->count + 1, sizeof(*texts->lines));
	texts->starts = calloc(sources->count + 1, sizeof(*texts->starts));
	if (!texts->lines || !texts->starts)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < sources->count; i++)
		r = find_lines(texts, i);
	return r;
}

int policy_texts_add(struct policy_texts *texts, const void *bytes, size_t size,
		     struct mf_pol_text *ret_text)
{
	*ret_text = (struct mf_pol_text){ (uint32_t)buf_size(&texts->bytes), (uint32_t)size };
	return buf_append(&texts->bytes, bytes, size);
}

/* Runs of blanks become one, but for those in quotes. */
static int add_line(struct policy_texts *texts, const char *bytes, size_t size,
		    struct mf_pol_text *ret_text)
{
	bool quoted = false, escaped = false;
	uint8_t *room;
	size_t kept = 0;
	int r = buf_reserve(&texts->bytes, size, &room);

	if (r)
		return r;
	for (size_t i = 0; i < size; i++) {
		bool blank = !quoted && (bytes[i] == ' ' || bytes[i] == '\t');

		if (bytes[i] == '"' && !escaped)
			quoted = !quoted;
		escaped = quoted && bytes[i] == '\\' && !escaped;
		if (!blank)
			room[kept++] = (uint8_t)bytes[i];
		else if (kept && room[kept - 1] != ' ')
			room[kept++] = ' ';
	}
	*ret_text = (struct mf_pol_text){ (uint32_t)buf_size(&texts->bytes), (uint32_t)kept };
	buf_commit(&texts->bytes, kept);
	return 0;
}

int policy_texts_line(struct policy_texts *texts, const struct policy_where *where,
		      struct mf_pol_text *ret_text)
{
	struct mf_pol_text *kept = &texts->lines[where->file][where->line];
	const struct policy_file *source = &texts->sources->files[where->file];
	uint32_t start = texts->starts[where->file][where->line];
	int r = 0;

	if (!kept->size)
		r = add_line(texts, source->text + start + where->column - 1, where->size, kept);
	*ret_text = *kept;
	return r;
}
