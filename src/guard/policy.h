/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The policy that a session's owner brings along, before the session is there. Whoever that is: its
 * bytes are checked before anything reads them, and nobody can change them any more.
 */

#include <stdint.h>

#include "abi/control.h"

struct brought_policy {
	int fd; /* of the image; -1: there is none */
	uint32_t mode; /* enum mf_pol_mode: a limit */
	uint32_t flags; /* MF_POLICY_* */
	char name[MF_NAME_LEN];
};

#define POLICY_NOT_BROUGHT ((struct brought_policy){ .fd = -1 })

/*
 * 0: taken, with the descriptor. Else nothing has changed: -EALREADY there is one; -EINVAL mode or
 * name; -EPERM no sealed memfd; -EFBIG; -EBADMSG no image, -EPROTO one of another version.
 */
int policy_take(struct brought_policy *policy, const struct mf_c_policy *asked, int *fd);
