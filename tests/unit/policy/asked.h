/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A question as it stands in a test: "read /srv/a", "read+write /a", "move /a" (a whole tree is
 * moved), "connect 192.0.2.1:443", "connect unix:/run/s", "listen unix:@name", "do mount".
 * Between double quotes an object may have \xNN and \\ in it.
 */

#include "policy/decide.h"

struct asked {
	struct policy_access access;
	struct buf name; /* that the access points to */
};

void asked_free(struct asked *asked);
#define _cleanup_asked_ _cleanup_(asked_free)
/* -EINVAL: it cannot be read. */
int asked_read(const char *text, struct asked *ret_asked);
