/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Log entries as text for people. Works from the JSON alone, so it reads any log. Everything that
 * came from outside is escaped. Each function appends whole lines to `out`; -EBADMSG when the JSON
 * is none.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "record/reader.h"

struct render_style {
	bool color;
};

struct json_text {
	const char *json;
	size_t size;
};

/*
 * One record whole. `late` are payloads of LOG_LATE entries of the same session: their events that
 * name this record are merged, the others ignored.
 */
int render_record(struct buf *out, const struct render_style *style, const struct json_text *record,
		  const struct json_text *late, size_t late_count);

/* The same as one JSON object on one line: the record, plus `late_events` when there are any. */
int render_record_json(struct buf *out, const struct json_text *record,
		       const struct json_text *late, size_t late_count);

/* A LOG_BACKGROUND entry whole. */
int render_background(struct buf *out, const struct render_style *style,
		      const struct json_text *background);

/* The list of `requests`: a header, then one line per LOG_REQUEST, LOG_BACKGROUND or LOG_LATE. */
int render_list_header(struct buf *out, const struct render_style *style);
int render_list_row(struct buf *out, const struct render_style *style,
		    const struct log_entry *entry);

/* One line per entry of any type, for `tail`. */
int render_tail(struct buf *out, const struct render_style *style, const struct log_entry *entry);

/* Whether the record's req_id is `id`: as written (`7`, `"7"`), or a string's content (`req-42`).
 * 1, 0 or -EBADMSG. */
int record_has_id(const struct json_text *record, const char *id);
