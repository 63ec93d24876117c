/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Files of cases: cases/README.md says how they are written. */

#include "machine.h"
#include "policy/compile.h"
#include "policy/decide.h"

#define SCENE_FILES 8
#define SCENE_REQUESTS 8

struct scene_file {
	char *name;
	struct buf text;
};

struct scene {
	char *name;
	struct scene_file files[SCENE_FILES]; /* of the policy, the first one is "p" */
	size_t file_count;
	struct buf admin; /* empty: there is none */
	struct machine machine;
	/* set by the first case that wants them */
	struct policy_tree *tree, *admin_tree;
	struct buf image, admin_image;
	struct policy policy, administrator;
};

enum scene_ask {
	SCENE_DECIDE = 0,
	SCENE_NOTE = 1, /* such a note at that line: "error 3 conflict" */
	SCENE_SILENCE = 2, /* no note of that word: "no covered" */
};

struct scene_case {
	struct scene *scene;
	char *name; /* "SCENE: NAME" */
	unsigned line; /* of the file of cases */
	enum scene_ask ask;
	char *question;
	char *verdict, *where;
	/* the state */
	char *tools[SCENE_REQUESTS];
	char *arguments[SCENE_REQUESTS]; /* NULL: none */
	size_t request_count;
	bool strict;
	enum mf_pol_mode mode;
	char *cwd;
};

struct scenes {
	struct scene **scenes;
	size_t count;
	struct scene_case **cases;
	size_t case_count;
};

/* Ends the program with a message when the file is not written as it should be. */
void scenes_read(const char *path, struct scenes *scenes);
void scenes_free(struct scenes *scenes);
/* Parses, compiles and validates, once. False: the policy has errors. */
bool scene_make(struct scene *scene);
