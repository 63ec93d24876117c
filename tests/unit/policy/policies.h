/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Policies made from text in a test, with a world of paths and names that the test tells. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka wants those before it */
#include <cmocka.h>

#include "policy/compile.h"
#include "policy/decide.h"

/* What there is in the test's world: `what` is "file", "dir", or "-> TARGET". */
struct there {
	const char *path, *what;
};

struct host_there {
	const char *name, *addresses; /* parted by blanks */
};

struct include_there {
	const char *name, *text;
};

struct world {
	const struct there *there; /* ended by a NULL path; NULL: links are not looked at */
	const struct host_there *hosts; /* NULL: names are not resolved */
	const struct include_there *includes; /* NULL: there are none */
	const char *workspace, *home;
};

/* Parses one file `p`. Fails the test when that cannot be done at all; errors are in the notes. */
struct policy_tree *parse_in(const struct world *world, const char *text);
struct policy_tree *parse(const char *text);
/* Of several files: name, text, name, text, …, NULL. */
struct policy_tree *parse_files(const struct world *world, const char *name, ...);

struct made {
	struct policy_tree *tree;
	struct buf image;
	struct policy policy;
};

/* Parses, compiles, validates; fails the test when there is an error. */
void make_in(const struct world *world, const char *text, struct made *ret_made);
void make(const char *text, struct made *ret_made);
void made_free(struct made *made);
#define _cleanup_made_ _cleanup_(made_free)

/* "deny", "allow", "would-deny" or "observed", then a blank and the line that decides, "-" for
 * none: `tools` are those in flight, parted by blanks, "" for none. */
const char *decided(const struct made *made, const char *tools, const char *verb,
		    const char *object);
const char *decided_strictly(const struct made *made, const char *tools, const char *verb,
			     const char *object);

/* All notes as they would be printed, one a line. Valid until the next call. */
const char *notes_of(const struct policy_tree *tree);
