/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The sessions that a log has the beginning of and not the end: each segment's first entry names
 * them, so that their end can be told where the writer dies.
 */

#include "record/jsonout.h"
#include "record/reader.h"

struct log_live {
	struct log_live *next;
	struct entry_facts facts;
};

/* Looks at a LOG_SESSION_START or LOG_SESSION_END entry. */
void log_live_note(struct log_live **first, enum log_type type, const void *payload, size_t size);
/* `sessions` of a segment's first entry. */
void log_live_write(struct jsonout *json, const struct log_live *first);
void log_live_free(struct log_live **first);
