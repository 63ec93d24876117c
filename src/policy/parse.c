/* SPDX-License-Identifier: BSD-2-Clause */
/* Files into blocks, line by line. */

#include "policy/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/escape.h"

const char *policy_parser_shown(struct policy_parser *parser, const void *bytes, size_t size)
{
	struct buf *buf = &parser->shown[parser->shown_next++ % ARRAY_LEN(parser->shown)];

	buf_reset(buf, SIZE_MAX);
	if (policy_shown(buf, bytes, size) || buf_append(buf, "", 1)) {
		parser->failed = -ENOMEM;
		return "";
	}
	return (const char *)buf_bytes(buf);
}

__attribute__((format(printf, 6, 0))) static void
complain(struct policy_parser *parser, enum policy_note_id id, const struct policy_where *where,
	 const struct policy_where *other, const char *suggestion, const char *format, va_list list)
{
	struct policy_notes *notes = &parser->tree->notes;
	_cleanup_buf_ struct buf text = { 0 };
	_cleanup_free_ char *line = NULL;

	if (policy_notes_are_full(notes)) { /* it is counted only */
		if (policy_notes_add(notes, id, where, other, NULL, &text))
			parser->failed = -ENOMEM;
		return;
	}
	if (vasprintf(&line, format, list) < 0)
		line = NULL;
	if (!line || buf_append_str(&text, line) ||
	    policy_notes_add(notes, id, where, other, suggestion, &text))
		parser->failed = -ENOMEM;
}

void policy_complain_at(struct policy_parser *parser, enum policy_note_id id,
			const struct policy_where *where, const struct policy_where *other,
			const char *suggestion, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	complain(parser, id, where, other, suggestion, format, list);
	va_end(list);
}

struct policy_where policy_word_where(const struct policy_parser *parser,
				      const struct policy_lex_word *word)
{
	struct policy_where where = { .file = parser->file, .line = parser->line.number };

	where.column = word ? word->column : 1;
	where.size = word ? word->width : 0;
	if (!word && parser->line.count) {
		where.column = parser->line.words[0].column;
		where.size = (uint32_t)parser->line.text_size;
	}
	return where;
}

void policy_complain(struct policy_parser *parser, enum policy_note_id id,
		     const struct policy_lex_word *word, const struct policy_where *other,
		     const char *suggestion, const char *format, ...)
{
	struct policy_where where = policy_word_where(parser, word);
	va_list list;

	va_start(list, format);
	complain(parser, id, &where, other, suggestion, format, list);
	va_end(list);
}

void *policy_grow(struct policy_parser *parser, void *array, size_t count, size_t size)
{
	size_t room = count ? count * 2 : 1;
	char *grown;

	if (count & (count - 1)) /* there is room up to the next power of two */
		grown = array;
	else
		grown = realloc(array, room * size);
	if (!grown) {
		parser->failed = -ENOMEM;
		return NULL;
	}
	memset(grown + count * size, 0, size);
	return grown;
}

int policy_bytes_set(struct policy_parser *parser, struct policy_bytes *bytes, const void *from,
		     size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy) {
		parser->failed = -ENOMEM;
		return -ENOMEM;
	}
	if (size)
		memcpy(copy, from, size);
	copy[size] = '\0';
	free(bytes->bytes);
	*bytes = (struct policy_bytes){ copy, size };
	return 0;
}

static void refuse_keyword(struct policy_parser *parser, const struct policy_lex_word *word)
{
	static const struct {
		const char *word, *meant;
	} synonyms[] = {
		{ "execute", "exec" }, { "run", "exec" },     { "network", "connect" },
		{ "net", "connect" },  { "bind", "listen" },  { "delete", "write" },
		{ "create", "write" }, { "open", "read" },    { "forbid", "deny" },
		{ "rw", "write" },     { "permit", "allow" }, { "tools", "tool" },
	};
	const char *words[POLICY_KEY_MAX - 1], *meant;

	for (size_t i = 1; i < POLICY_KEY_MAX; i++)
		words[i - 1] = policy_keywords[i].word;
	meant = policy_nearest(word->bytes, word->size, words, ARRAY_LEN(words));
	for (size_t i = 0; i < ARRAY_LEN(synonyms); i++) {
		if (word->size == strlen(synonyms[i].word) &&
		    memcmp(word->bytes, synonyms[i].word, word->size) == 0)
			meant = synonyms[i].meant;
	}
	policy_complain(parser, POLICY_E_WORD, word, NULL, meant,
			"expected a keyword such as tool, read or deny, found '%s'",
			policy_parser_shown(parser, word->bytes, word->size));
}

static void parse_block_line(struct policy_parser *parser, enum policy_keyword keyword)
{
	if (!parser->version_seen)
		policy_complain(parser, POLICY_E_VERSION, NULL, NULL, "version 1",
				"expected version 1 as the first line");
	else if (parser->block == POLICY_NO_BLOCK && !parser->head_was_bad && !parser->place_told) {
		policy_complain(
			parser, POLICY_E_PLACE, NULL, NULL, NULL,
			"expected a block to begin before '%s': base, tool NAME, block NAME or "
			"ceiling",
			policy_keywords[keyword].word);
		parser->place_told = true;
	}
	parser->version_seen = true;
	if (keyword == POLICY_KEY_MODE)
		policy_parse_mode(parser);
	else if (keyword == POLICY_KEY_INCLUDE)
		policy_parse_include(parser);
	else
		policy_parse_rule(parser, keyword);
}

/* false: nothing of the line can be used */
static bool line_is_read(struct policy_parser *parser)
{
	enum policy_lex_error error = parser->line.error;
	bool is_quote = error == POLICY_LEX_OPEN || error == POLICY_LEX_ESCAPE;
	struct policy_where where = { .file = parser->file, .line = parser->line.number };

	if (error == POLICY_LEX_OK)
		return parser->line.count > 0;
	where.column = parser->line.error_column;
	policy_complain_at(parser, is_quote ? POLICY_E_QUOTE : POLICY_E_TEXT, &where, NULL, NULL,
			   "%s", policy_lex_error_text(error));
	return false;
}

void policy_parse_file(struct policy_parser *parser, uint32_t file)
{
	bool empty = true;

	parser->file = file;
	parser->block = POLICY_NO_BLOCK;
	parser->head_was_bad = parser->version_seen = parser->place_told = false;
	policy_lexer_init(&parser->lexer, parser->tree->sources.files[file].text,
			  parser->tree->sources.files[file].size);
	while (!parser->failed && policy_lexer_next(&parser->lexer, &parser->line)) {
		const struct policy_lex_word *word = &parser->line.words[0];
		int keyword;

		empty = empty && parser->line.count == 0 && !parser->line.error;
		if (!line_is_read(parser))
			continue;
		keyword = policy_keyword_find(word->bytes, word->size);
		if (keyword < 0)
			refuse_keyword(parser, word);
		else if (policy_keywords[keyword].head)
			policy_parse_head(parser, (enum policy_keyword)keyword);
		else
			parse_block_line(parser, (enum policy_keyword)keyword);
	}
	if (empty) {
		struct policy_where where = { .file = file };

		policy_complain_at(parser, POLICY_E_EMPTY, &where, NULL, NULL,
				   "the file says nothing; expected version 1 as the first line");
	}
}

static int set_variable(char **ret_copy, const char *value)
{
	if (value && !(*ret_copy = strdup(value)))
		return -ENOMEM;
	return 0;
}

static void parser_free(struct policy_parser *parser)
{
	for (size_t i = 0; i < ARRAY_LEN(parser->shown); i++)
		buf_free(&parser->shown[i]);
	policy_block_index_free(&parser->index);
	policy_tree_free(parser->tree);
	free(parser);
}

static void cleanup_parser(struct policy_parser **slot)
{
	if (*slot)
		parser_free(*slot);
}

int policy_parse(struct policy_sources *sources, const struct policy_world *world,
		 struct policy_tree **ret_tree)
{
	static const struct policy_world nothing = { 0 };
	_cleanup_(cleanup_parser) struct policy_parser *parser = calloc(1, sizeof(*parser));
	size_t given = sources->count;

	if (!parser)
		return -ENOMEM;
	parser->tree = calloc(1, sizeof(*parser->tree));
	if (!parser->tree)
		return -ENOMEM;
	parser->world = world ? world : &nothing;
	parser->tree->sources = *sources;
	*sources = (struct policy_sources){ 0 };
	parser->tree->default_mode = MF_POL_ENFORCE;
	if (set_variable(&parser->tree->workspace, parser->world->workspace) ||
	    set_variable(&parser->tree->home, parser->world->home))
		return -ENOMEM;
	for (size_t i = 0; !parser->failed && i < given; i++)
		policy_parse_file(parser, (uint32_t)i);
	if (!parser->failed)
		policy_resolve_includes(parser);
	if (!parser->failed)
		parser->failed = policy_check(parser);
	if (parser->failed)
		return parser->failed;
	policy_notes_sort(&parser->tree->notes);
	*ret_tree = take_ptr(parser->tree);
	return 0;
}
