/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Bytes as a word of the language: what a lexer reads back as the same bytes, all of them literal. */

#include <stddef.h>

#include "base/buf.h"

/* Appends `bytes` as it stands where it can, else in double quotes. */
int policy_quote(struct buf *out, const void *bytes, size_t size);
/* The same of an absolute path, under ${workspace} or ${home} where it is in one of them (NULL: not
 * known), so that the line holds on other machines too. */
int policy_quote_path(struct buf *out, const char *path, size_t size, const char *workspace,
		      const char *home);
/* What policy_quote() appends, at most: for the bound of a line. */
#define POLICY_QUOTED_MAX(size) (4 * (size) + 2)
