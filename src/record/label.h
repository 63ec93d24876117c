/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The statement that ties an event to requests. It is computed from three things alone: what was in
 * flight when the process was born, what was in flight while the event happened, and what was in
 * flight in between. See docs/attribution.md for the meaning of each label.
 */

#include <stdbool.h>
#include <stdint.h>

#include "record/history.h"

enum label_kind {
	LABEL_EXCLUSIVE = 1, /* no other request was in flight when it happened */
	LABEL_LINEAGE = 2, /* the process was born while this request alone was in flight */
	LABEL_CANDIDATES = 3, /* one of these, or what the session itself does */
	LABEL_BACKGROUND = 4, /* no request was in flight */
};

enum label_birth {
	BIRTH_DYNAMIC = 0, /* while nothing was in flight */
	BIRTH_INSIDE = 1, /* inside requests: `birth` */
	BIRTH_UNKNOWN = 2, /* inside requests that cannot be told any more */
	BIRTH_ANY = 3, /* the process itself is not known */
};

struct label_question {
	enum label_birth how;
	const struct birth *birth;
	uint64_t born; /* epoch of the birth; 0 when not known */
	uint64_t lo, hi; /* epochs between which it happened */
};

struct label {
	enum label_kind kind;
	bool late; /* it certainly happened after the end of the one request it was born in */
	bool unknown; /* which requests were in flight is not known in full */
	uint32_t count; /* of names; 0 with LABEL_BACKGROUND */
	uint32_t more; /* candidates that names has no room for */
	uint32_t live; /* of names, the first that many were in flight when it happened */
	bool live_more; /* so were some that names has no room for */
	uint64_t names[HISTORY_NAMES_MAX];
};

void label_of(const struct history *history, const struct label_question *question,
	      struct label *ret_label);

const char *label_name(enum label_kind kind);
