/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A learner for tests, of a server in /srv and the home /home/ada, with a block of secrets and one of
 * runtime files that it may include. */

#include "policies.h"
#include "policy/learn.h"

/* A learner with what it borrows. */
struct school {
	struct made base, secrets;
	struct policy_learn_include include;
	struct policy_learner *learner;
};

/* The includes and the home of it. */
extern const struct world school_world;

void school_open(struct school *school);
void school_close(struct school *school);
#define _cleanup_school_ _cleanup_(school_close)

/* A call begins; what follows is its. */
void call(struct school *school, const char *tool, const char *arguments);
void touch_as(struct school *school, uint8_t verbs, const char *path, bool directory, bool passing,
	      bool to_base);
void touch(struct school *school, enum mf_pol_verb verb, const char *path);
void reach(struct school *school, const uint8_t addr[4], uint16_t port);
/* The policy that is learned, NUL terminated. */
void print(struct school *school, struct buf *ret_text);
const char *text_of(const struct buf *text);
/* What is learned, without the head: from the first block on. */
void learned_is(struct school *school, const char *expected);
