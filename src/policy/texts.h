/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The text section of an image: names, and the lines of rules; not for other rooms. */

#include "abi/policy.h"
#include "policy/source.h"

struct policy_texts {
	struct buf bytes; /* the section */
	const struct policy_sources *sources;
	struct mf_pol_text *
		*lines; /* [file][line]: where the line is in `bytes`; size 0: not yet */
	uint32_t **starts; /* [file][line]: where the line begins in the file */
};

int policy_texts_start(struct policy_texts *texts, const struct policy_sources *sources);
void policy_texts_free(struct policy_texts *texts);
int policy_texts_add(struct policy_texts *texts, const void *bytes, size_t size,
		     struct mf_pol_text *ret_text);
/* The words at a place, kept once however many blocks include them. */
int policy_texts_line(struct policy_texts *texts, const struct policy_where *where,
		      struct mf_pol_text *ret_text);
