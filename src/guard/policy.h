/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The policy that a session's owner brings along, before the session is there. Whoever that is: its
 * bytes are checked before anything reads them, and nobody can change them any more.
 */

#include <stdint.h>

#include "abi/control.h"

struct session;

struct brought_policy {
	int fd; /* of the image; -1: there is none */
	uint32_t mode; /* enum mf_pol_mode: a limit */
	uint32_t flags; /* MF_POLICY_* */
	char name[MF_NAME_LEN];
	uint64_t generation; /* of a session that is there: 1, 2, … */
	int error; /* -errno: a later text could not be taken; 0: there was none, or it was */
};

#define POLICY_NOT_BROUGHT ((struct brought_policy){ .fd = -1 })

/*
 * 0: taken, with the descriptor. Else nothing has changed: -EALREADY there is one; -EINVAL mode or
 * name; -EPERM no sealed memfd; -EFBIG; -EBADMSG no image, -EPROTO one of another version.
 */
int policy_take(struct brought_policy *policy, const struct mf_c_policy *asked, int *fd);
/*
 * The same for a session that is there: when it returns 0, all is decided by this one, and the recorder
 * knows. -ENODATA: it began without a policy; -EINVAL, too: it is not the generation that comes next.
 */
int policy_replace(struct session *session, const struct mf_c_policy *asked, int *fd);
/* What its owner has to replace it with cannot be taken. */
void policy_note_bad(struct session *session, int error);
/* -ENODATA; -EOPNOTSUPP with *ret_detail: it cannot be enforced here, or in part only. */
int policy_mode(struct session *session, const struct mf_c_mode *asked, uint32_t *ret_detail);
/* That a session with such a mode and flags enforces may be said; else -EOPNOTSUPP with *ret_detail. */
int policy_check_floor(const struct session *session, uint32_t mode, uint32_t flags,
		       uint32_t *ret_detail);
