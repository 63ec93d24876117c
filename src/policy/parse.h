/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files of the parser share; not for other rooms. */

#include "policy/block_index.h"
#include "policy/lex.h"
#include "policy/notes.h"
#include "policy/tree.h"

struct policy_parser {
	struct policy_tree *tree;
	const struct policy_world *world;
	struct policy_lexer lexer;
	struct policy_lex_line line; /* the one being read */
	uint32_t file; /* index of the one being read */
	uint32_t block; /* that lines belong to now; POLICY_NO_BLOCK: none */
	struct policy_block_index index; /* of the tree's blocks */
	bool head_was_bad; /* its head had an error: the lines are read, and kept nowhere */
	bool version_seen; /* in this file */
	bool place_told; /* that lines stand in a block; once for a file */
	size_t rules; /* of all files */
	struct buf shown[4]; /* what shown() gave, in turn */
	unsigned shown_next;
	size_t links_looked_at; /* in directories that lines name */
	int failed; /* -ENOMEM: everything ends here */
};

/*
 * Tells something about the word `word` of the line (about all of it when NULL). `other` and
 * `suggestion` may be NULL; both texts must be safe to print: shown() makes a word so.
 */
void policy_complain(struct policy_parser *parser, enum policy_note_id id,
		     const struct policy_lex_word *word, const struct policy_where *other,
		     const char *suggestion, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* The same at a place. */
void policy_complain_at(struct policy_parser *parser, enum policy_note_id id,
			const struct policy_where *where, const struct policy_where *other,
			const char *suggestion, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* Safe to print, cut where it is long; valid until the fourth call after this one. */
const char *policy_parser_shown(struct policy_parser *parser, const void *bytes, size_t size);

struct policy_where policy_word_where(const struct policy_parser *parser,
				      const struct policy_lex_word *word);

/* An array that doubles: room for one more behind `count`, zeroed. NULL: no memory, parser->failed. */
void *policy_grow(struct policy_parser *parser, void *array, size_t count, size_t size);
int policy_bytes_set(struct policy_parser *parser, struct policy_bytes *bytes, const void *from,
		     size_t size);

/* A word with its variables put in. */
struct policy_expanded {
	struct buf before; /* all of it when there is no argument */
	struct buf argument; /* NAME of ${arg.NAME} */
	struct buf after;
	bool has_argument;
	size_t star; /* where an unescaped * is in `before`, SIZE_MAX: nowhere */
	size_t stars; /* how many there are, in `before` and `after` */
};

void policy_expanded_free(struct policy_expanded *expanded);
#define _cleanup_policy_expanded_ _cleanup_(policy_expanded_free)
/* 0, or -EINVAL when an error was told. */
int policy_expand(struct policy_parser *parser, const struct policy_lex_word *word,
		  struct policy_expanded *ret_expanded);

/* parse_object.c: each sets the line's kind and fields, or tells an error (kind stays NONE). */
void policy_parse_path(struct policy_parser *parser, struct policy_line *line,
		       const struct policy_lex_word *word);
void policy_parse_address(struct policy_parser *parser, struct policy_line *line,
			  const struct policy_lex_word *word);

/* parse_head.c: lines that begin a block or stand before all; mode and include in a block. */
void policy_parse_head(struct policy_parser *parser, enum policy_keyword keyword);
void policy_parse_mode(struct policy_parser *parser);
void policy_parse_include(struct policy_parser *parser);

/* include.c: fetches files and finds the named blocks that includes mean. */
void policy_resolve_includes(struct policy_parser *parser);
/* parse.c */
void policy_parse_file(struct policy_parser *parser, uint32_t file);

/* parse_rule.c: a line that begins with a verb, allow or deny. */
void policy_parse_rule(struct policy_parser *parser, enum policy_keyword keyword);
void policy_line_free(struct policy_line *line);

/* check.c: what can be said only once everything is known. */
int policy_check(struct policy_parser *parser);
