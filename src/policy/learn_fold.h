/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * From the paths that were used to the few lines that cover them. One verb at a time: whoever reads
 * a directory does not write it.
 *
 *  1. A path inside of a tree of code or of a repository's own files (node_modules, site-packages,
 *     .git, …) stands for that tree.
 *  2. A name that was made and went away within its call (a temporary file) stands for its
 *     directory: the next call's has another name.
 *  3. A directory that was opened stands for its tree, because the language has no other line for it.
 *  4. FOLD_MIN files or trees of one directory are that directory, again and again, upwards.
 *
 * Never to a directory that is too wide (policy_fold_is_wide): there, 1, 2 and 4 leave the paths as
 * they are, and what was used as such a directory itself is left out and told. Every path given is covered by a line or
 * left out; whether it is left out depends on the path alone. So more uses never take away what
 * fewer uses gave.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/policy.h"

#define FOLD_MIN 4

struct fold_place {
	const char *home; /* absolute, normalised; NULL: not known */
	const char *workspace; /* may be folded to, unless it is too wide by itself; NULL */
};

/* A path that was used, or a line that covers some. Paths are absolute and normalised. */
struct fold_path {
	const char *path; /* borrowed; of a line: the beginning of some given path */
	size_t size;
	uint64_t uses;
	uint64_t calls; /* with such a use; of a line of several paths an upper bound */
	uint32_t paths; /* how many it stands for */
	bool tree; /* given: opened as a directory. Of a line: it covers what is below */
	bool passing; /* given: made and gone within its call */
	bool sure; /* one of its uses at least is this block's for certain */
	bool left_out; /* of a line: nothing covers it */
};

/* A tree that no line should name, unless somebody decides so: /, /etc, /home/user, … */
bool policy_fold_is_wide(const struct fold_place *place, const char *path, size_t size);

/* Folds `paths` in place for one verb; *count becomes the number of lines, sorted by path. */
void policy_fold(const struct fold_place *place, enum mf_pol_verb verb, struct fold_path *paths,
		 size_t *count);

/* Whether one of the lines covers the path. */
bool policy_fold_covers(const struct fold_path *lines, size_t count, const char *path, size_t size);
