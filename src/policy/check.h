/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files of the checker share; not for other rooms. */

#include "policy/build.h"
#include "policy/parse.h"

/* What is looked at, at most, to find warnings; one that is missed is no error. */
#define POLICY_CHECK_WORK_MAX (1U << 22)
#define POLICY_CHECK_LINKS_MAX (1U << 16) /* links in directories, of all blocks */
#define POLICY_CHECK_NEAR_MAX 256 /* prefixes that an address is compared with */

/* The lines of a block and of what it includes. */
struct policy_lines {
	const struct policy_line **lines;
	size_t count;
};

void policy_lines_free(struct policy_lines *lines);
int policy_lines_add(struct policy_lines *lines, const struct policy_line *line); /* -ENOMEM */

/* Whether the line is the user's own; shipped includes are not warned about. */
static inline bool policy_line_is_own(const struct policy_parser *parser,
				      const struct policy_line *line)
{
	return !parser->tree->sources.files[line->where.file].included;
}

/* check_line.c: each line by itself: links, missing paths, interpreters. `base` may be NULL. */
void policy_check_lines(struct policy_parser *parser, const struct policy_lines *lines,
			const struct policy_lines *base);
/* check_links.c: of the directories that the lines `named` (not empty; they are sorted) are about. */
void policy_check_links(struct policy_parser *parser, struct policy_lines *named,
			const struct policy_lines *lines, const struct policy_lines *base);
/* check_cover.c: lines that other lines make needless or take back. */
void policy_check_cover(struct policy_parser *parser, const struct policy_lines *lines,
			const struct policy_lines *base);
void policy_check_ceiling(struct policy_parser *parser, const struct policy_block *ceiling,
			  const struct policy_lines *above, const struct policy_lines *lines);
