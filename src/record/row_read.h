/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A row of a record, read back as the event that it was written from: all of it that a policy decides
 * by. Times, stamps and labels are not.
 */

#include <yajl/yajl_tree.h>

#include "base/buf.h"
#include "record/event.h"

struct row_event {
	struct mf_event head; /* kind, pid, MF_EVF_PROC_UNKNOWN */
	union {
		struct mf_ev_exec exec;
		struct mf_ev_file file;
		struct mf_ev_change change;
		struct mf_ev_net net;
		struct mf_ev_send_on send_on;
		struct mf_ev_act act;
		struct mf_ev_fork fork;
		struct mf_ev_exit exit;
	} body;
	struct buf text[2];
	struct event_view view; /* of these */
};

/* 1; 0: a kind that is not known; -ENOMEM. Not to be moved: the view points into it. */
int row_read(yajl_val row, struct row_event *ret_event);
void row_event_free(struct row_event *event);
#define _cleanup_row_event_ _cleanup_(row_event_free)

/* Appends the bytes of a string of `object`, which says whether its strings are escaped. */
int row_bytes(struct buf *out, yajl_val object, const char *key);
