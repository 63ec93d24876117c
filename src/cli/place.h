/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Where state and sockets are.
 */

#include "base/cleanup.h"

#define PLACE_RUN_DIR "/run/mcpfloor"
#define PLACE_STATE_DIR_ROOT "/var/lib/mcpfloor"

static inline const char *place_run_dir(const char *given)
{
	return given ? given : PLACE_RUN_DIR;
}

/* `given`, or the default of this user: PLACE_STATE_DIR_ROOT for root, $XDG_STATE_HOME/mcpfloor or
 * ~/.local/state/mcpfloor otherwise. -ENOENT: no HOME. Free *ret_dir. */
int place_state_dir(const char *given, char **ret_dir);
