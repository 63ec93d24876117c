/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The names in a notification: a directory by its handle, and a name in it.
 */

#include <sys/fanotify.h>

#include "engine/state.h"

/* Fills lengths, flags and mask of *ret_change, and the paths into `strings` (2 × MF_PATH_MAX), one
 * behind the other. */
void change_names(struct engine *engine, struct session *session,
		  const struct fanotify_event_metadata *meta, struct mf_ev_change *ret_change,
		  char *strings);
