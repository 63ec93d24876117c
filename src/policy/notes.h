/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* How the room itself adds to the notes. */

#include "policy/source.h"

/*
 * `text` and `suggestion` are safe to print already. The severity comes from the id; the count of
 * errors is right even when -ENOMEM is returned.
 */
int policy_notes_add(struct policy_notes *notes, enum policy_note_id id,
		     const struct policy_where *where, const struct policy_where *other,
		     const char *suggestion, const struct buf *text);
/* Whether a further one would be counted only, so that its text need not be made. */
bool policy_notes_are_full(const struct policy_notes *notes);
/* Appends a word of the text, escaped and cut where it is long. */
int policy_shown(struct buf *out, const void *bytes, size_t size);
/* Appends FILE:LINE. */
int policy_where_print(struct buf *out, const struct policy_sources *sources,
		       const struct policy_where *where);
