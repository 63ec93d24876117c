/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What the whole of an entry (render.c) and its one line in a list (render_list.c) have in common.
 */

#include <yajl/yajl_tree.h>

#include "record/render.h"

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

/* The code, where the style has colours. */
const char *render_paint(const struct render_style *style, const char *code);
/* What the kernel saw, counted. */
int render_summary(struct buf *out, yajl_val entry);
/* Session and tenant. */
int render_who(struct buf *out, yajl_val entry);
int render_id(struct buf *out, yajl_val record);
