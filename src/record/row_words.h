/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The words of a row that are written from numbers (json_row.c) and read as such again (row_read.c). */

#include <yajl/yajl_tree.h>

#include "abi/event.h"
#include "record/jsonout.h"

#define ROW_PATH_FLAGS 4
extern const struct row_path_flag {
	uint32_t bit; /* MF_PATH_* */
	const char *name;
} row_path_flags[ROW_PATH_FLAGS];

/* What the numbers and the name of a struct mf_ev_act are called; NULL: the kind has none. */
extern const struct row_act_keys {
	const char *number, *value, *name;
} row_act_keys[MF_EV_KIND_MAX];

/* As the array `flags`. */
void row_write_open_flags(struct jsonout *json, uint32_t flags);
uint32_t row_read_open_flags(yajl_val names);
