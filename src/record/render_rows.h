/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The rows of a record: one event each.
 */

#include <stddef.h>
#include <yajl/yajl_tree.h>

#include "record/render.h"

/* How wide the column of kinds is for these events, and at least `least`: objects stand in line. */
size_t render_kind_width(yajl_val events, size_t least);
int render_row(struct buf *out, const struct render_style *style, yajl_val event,
	       size_t kind_width);
/* All of them, alerts first and then everything in its order. */
int render_rows(struct buf *out, const struct render_style *style, yajl_val events);
/* One late event as JSON; `since` is the time that its t_ns counts from. */
int render_late_json(struct buf *out, const char *since, yajl_val event);
