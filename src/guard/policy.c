/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "guard/control.h"
#include "policy/tables.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Only a memfd has seals, and none makes its reader wait for anybody. */
static bool is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

static int check_image(int fd)
{
	_cleanup_free_ void *bytes = NULL;
	struct policy policy;

	return is_sealed(fd) ? policy_read_handed(fd, MF_POLICY_BYTES_MAX, &bytes, &policy)
			     : -EPERM;
}

int policy_take(struct brought_policy *policy, const struct mf_c_policy *asked, int *fd)
{
	int err;

	if (policy->fd >= 0)
		return -EALREADY;
	if (asked->mode > MF_POL_ENFORCE || asked->flags & ~MF_POLICY_PART ||
	    !control_name_ok(asked->name, false))
		return -EINVAL;
	err = check_image(*fd);
	if (err)
		return err;
	policy->fd = take_fd(fd);
	policy->mode = asked->mode;
	policy->flags = asked->flags;
	memcpy(policy->name, asked->name, sizeof(policy->name));
	return 0;
}
