/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What belongs to no request, one row per session: the log has an entry whenever a request begins,
 * and a list of those would bury the requests.
 */

#include "base/buf.h"
#include "record/reader.h"

struct background;

struct backgrounds {
	struct background *first;
	struct background **last; /* NULL while there is none */
};

/* Adds a LOG_BACKGROUND entry to its session's row. -EBADMSG when it is none. */
int backgrounds_add(struct backgrounds *list, const struct entry_facts *facts,
		    const struct log_entry *entry);
/*
 * Takes out the row of a session, or the oldest one where `session` is NULL: one JSON object like
 * the entries, without events and processes. 1; 0: there is none; -errno.
 */
int backgrounds_take(struct backgrounds *list, const char *session, struct buf *out);
void backgrounds_free(struct backgrounds *list);
