/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Records (docs/record.md) as a policy sees them: an event is none, one or two accesses. What learn
 * learns from, and what diff and replay ask a policy about, is read here and nowhere else.
 */

#include <stdbool.h>
#include <yajl/yajl_tree.h>

#include "base/buf.h"
#include "record/question.h"

#define RECORDED_ACCESSES_MAX QUESTION_ACCESSES_MAX /* of one event */

struct recorded_access {
	struct policy_access access; /* `name` is owned */
	bool directory; /* opened as one */
	bool made; /* the name was not there before */
	bool gone; /* the name is not there afterwards */
};

/* Why an event is no access that could be asked about. */
enum recorded_gap {
	RECORDED_WHOLE = 0,
	RECORDED_NO_PATH = 1, /* cut, not resolved */
	RECORDED_NO_FLAGS = 2, /* an open whose flags the kernel did not tell: taken for both */
};

/*
 * The accesses that an event asks for: how many, or -ENOMEM. 0: it is nothing that a policy decides, or, with
 * *ret_gap, not known well enough.
 */
int recorded_accesses(const struct event_view *event, const struct question *question,
		      struct recorded_access ret_accesses[RECORDED_ACCESSES_MAX],
		      enum recorded_gap *ret_gap);
void recorded_accesses_free(struct recorded_access accesses[RECORDED_ACCESSES_MAX]);

/* Appends the access as it would be written in a policy, escaped: "read /srv/docs". */
int recorded_access_print(struct buf *out, const struct policy_access *access);

/* Appends a value as JSON text. */
int recorded_json(struct buf *out, yajl_val value);
