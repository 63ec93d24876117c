/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A policy of so many lines, compiled, and objects that it is asked about: for those that measure. */

#include <stddef.h>

#include "policy/compile.h"
#include "policy/decide.h"
#include "policy/object.h"
#include "policy/tree.h"

#define SCENE_OBJECTS 4096 /* asked about, in turn */

/* A policy of `rules` lines, and what it is asked. */
struct scene {
	unsigned rules;
	struct buf text, image;
	struct policy_tree *tree;
	struct policy policy;
	struct policy_request request;
	struct policy_state state;
	struct policy_access accesses[SCENE_OBJECTS];
	struct policy_line **lines; /* for the scan: those of base and of the tool */
	size_t line_count;
};

/* End the program where anything fails. Scenes are the same in each run. */
struct scene *scene_open(unsigned rules);
void scene_free(struct scene *scene);
/* The tree of its text, parsed once more. */
struct policy_tree *scene_parse(const struct scene *scene);
