/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/source.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/escape.h"
#include "policy/notes.h"

#define SHOWN_MAX 160 /* bytes of a word that a message repeats */

/* index: enum policy_note_id */
static const char *const note_words[POLICY_NOTE_MAX] = {
	[POLICY_E_VERSION] = "version",
	[POLICY_E_EMPTY] = "empty",
	[POLICY_E_TEXT] = "text",
	[POLICY_E_QUOTE] = "quote",
	[POLICY_E_WORD] = "word",
	[POLICY_E_MISSING] = "missing",
	[POLICY_E_EXTRA] = "extra",
	[POLICY_E_CONFLICT] = "conflict",
	[POLICY_E_PLACE] = "place",
	[POLICY_E_PATH] = "path",
	[POLICY_E_ADDRESS] = "address",
	[POLICY_E_PORT] = "port",
	[POLICY_E_UNIX] = "unix",
	[POLICY_E_VARIABLE] = "variable",
	[POLICY_E_NAME] = "name",
	[POLICY_E_INCLUDE] = "include",
	[POLICY_E_LINKS] = "links",
	[POLICY_E_LIMIT] = "limit",
	[POLICY_W_COVERED] = "covered",
	[POLICY_W_MISSING_PATH] = "missing-path",
	[POLICY_W_LINK] = "link",
	[POLICY_W_LINKS_OUT] = "links-out",
	[POLICY_W_PRIVATE] = "private",
	[POLICY_W_UNRESOLVED] = "unresolved",
	[POLICY_W_NEVER] = "never",
	[POLICY_W_INTERPRETER] = "interpreter",
	[POLICY_W_EMPTY_BLOCK] = "empty-block",
	[POLICY_W_NO_BASE] = "no-base",
	[POLICY_W_CEILING] = "ceiling",
	[POLICY_W_ARGUMENT] = "argument",
	[POLICY_W_UNUSED] = "unused",
};

const char *policy_note_word(enum policy_note_id id)
{
	const char *word = (unsigned)id < POLICY_NOTE_MAX ? note_words[id] : NULL;

	return word ? word : "unknown";
}

static void note_free(struct policy_note *note)
{
	free(note->text);
	free(note->suggestion);
}

void policy_notes_free(struct policy_notes *notes)
{
	for (size_t i = 0; i < notes->count; i++)
		note_free(&notes->notes[i]);
	free(notes->notes);
	*notes = (struct policy_notes){ 0 };
}

static int by_number(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int by_place(const void *left, const void *right)
{
	const struct policy_note *a = left, *b = right;
	int r = by_number(a->where.file, b->where.file);

	if (!r)
		r = by_number(a->where.line, b->where.line);
	if (!r)
		r = by_number(a->where.column, b->where.column);
	if (!r)
		r = by_number(b->severity, a->severity);
	if (!r)
		r = by_number(a->id, b->id);
	return r ? r : strcmp(a->text, b->text);
}

void policy_notes_sort(struct policy_notes *notes)
{
	size_t kept = 0;

	if (notes->count)
		qsort(notes->notes, notes->count, sizeof(*notes->notes), by_place);
	for (size_t i = 0; i < notes->count; i++) {
		if (kept && by_place(&notes->notes[kept - 1], &notes->notes[i]) == 0) {
			if (notes->notes[i].severity == POLICY_ERROR)
				notes->errors--;
			else
				notes->warnings--;
			note_free(&notes->notes[i]);
		} else {
			notes->notes[kept++] = notes->notes[i];
		}
	}
	notes->count = kept;
}

int policy_shown(struct buf *out, const void *bytes, size_t size)
{
	int r = escape_text(out, bytes, size < SHOWN_MAX ? size : SHOWN_MAX);

	if (r == 0 && size > SHOWN_MAX)
		r = buf_append_str(out, "...");
	return r;
}

bool policy_notes_are_full(const struct policy_notes *notes)
{
	return notes->count >= POLICY_NOTES_MAX;
}

/* What must not be lost for want of memory is that there is an error: it is counted first. */
int policy_notes_add(struct policy_notes *notes, enum policy_note_id id,
		     const struct policy_where *where, const struct policy_where *other,
		     const char *suggestion, const struct buf *text)
{
	struct policy_note note = { .where = *where, .id = id };
	struct policy_note *grown;

	note.severity = id >= POLICY_W_COVERED ? POLICY_WARNING : POLICY_ERROR;
	if (other)
		note.other = *other;
	if (note.severity == POLICY_ERROR)
		notes->errors++;
	else
		notes->warnings++;
	if (policy_notes_are_full(notes)) {
		notes->unkept++;
		return 0;
	}
	grown = realloc(notes->notes, (notes->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	notes->notes = grown;
	note.text = strndup((const char *)buf_bytes(text), buf_size(text));
	note.suggestion = suggestion ? strdup(suggestion) : NULL;
	if (!note.text || (suggestion && !note.suggestion)) {
		note_free(&note);
		return -ENOMEM;
	}
	notes->notes[notes->count++] = note;
	return 0;
}

int policy_where_print(struct buf *out, const struct policy_sources *sources,
		       const struct policy_where *where)
{
	const char *name = where->file < sources->count ? sources->files[where->file].name : "?";
	int r = escape_text(out, name, strlen(name));

	if (r == 0 && where->line)
		r = buf_printf(out, ":%u", where->line);
	return r;
}

int policy_note_print(struct buf *out, const struct policy_sources *sources,
		      const struct policy_note *note)
{
	int r = policy_where_print(out, sources, &note->where);

	if (r == 0 && note->where.line)
		r = buf_printf(out, ":%u", note->where.column);
	if (r == 0)
		r = buf_printf(out, ": %s: %s",
			       note->severity == POLICY_ERROR ? "error" : "warning", note->text);
	if (r == 0 && note->other.line) {
		r = buf_append_str(out, " (");
		if (r == 0)
			r = policy_where_print(out, sources, &note->other);
		if (r == 0)
			r = buf_append_str(out, ")");
	}
	if (r == 0 && note->suggestion)
		r = buf_printf(out, "; did you mean %s?", note->suggestion);
	return r;
}

/* POLICY_TEXT_BYTES_MAX and POLICY_FILE_BYTES_MAX in words */
static_assert(POLICY_FILE_BYTES_MAX == 16U << 20 && POLICY_TEXT_BYTES_MAX == 64U << 20,
	      "as the texts say");

const char *policy_read_why(int error)
{
	static const struct {
		int error;
		const char *text;
	} texts[] = {
		{ -EISDIR, "it is a directory; give the files in it by their names" },
		{ -ESPIPE, "it is a named pipe, which may never end; give a file, or a pipe as "
			   "/dev/stdin" },
		{ -ENODEV, "it is a device or a socket; give a file, or a pipe as /dev/stdin" },
		{ -EFBIG, "it is over 16 MiB, the most that is read of one file" },
		{ -EOVERFLOW,
		  "with it the files are over 64 MiB, the most that is read of a policy" },
		{ -E2BIG, "a policy has at most 256 files, includes counted" },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i].error == error)
			return texts[i].text;
	}
	return strerror(-error);
}

int policy_sources_add(struct policy_sources *sources, const char *name, const void *text,
		       size_t size)
{
	struct policy_file file = { .size = size };
	struct policy_file *grown;
	size_t all = size;

	if (size > POLICY_FILE_BYTES_MAX)
		return -EFBIG;
	for (size_t i = 0; i < sources->count; i++)
		all += sources->files[i].size;
	if (all > POLICY_TEXT_BYTES_MAX)
		return -EOVERFLOW;
	if (sources->count >= POLICY_FILES_MAX)
		return -E2BIG;
	grown = realloc(sources->files, (sources->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	sources->files = grown;
	file.name = strdup(name);
	file.text = malloc(size + 1);
	if (!file.name || !file.text) {
		free(file.name);
		free(file.text);
		return -ENOMEM;
	}
	if (size)
		memcpy(file.text, text, size);
	file.text[size] = '\0';
	sources->files[sources->count++] = file;
	return 0;
}

void policy_sources_free(struct policy_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		free(sources->files[i].name);
		free(sources->files[i].text);
	}
	free(sources->files);
	*sources = (struct policy_sources){ 0 };
}
