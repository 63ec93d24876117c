/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "policy/tables.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* How many bytes. Only a memfd has seals, and none makes its reader wait for anybody. */
static int sealed_size(int fd, size_t *ret_size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || (seals & SEALS) != SEALS)
		return -EPERM;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0 || st.st_size > MF_POLICY_BYTES_MAX)
		return -EFBIG;
	*ret_size = (size_t)st.st_size;
	return 0;
}

/* Read, not mapped: a page of a mapping that memory is too short for would be our end. */
static int check_image(int fd, size_t size)
{
	_cleanup_free_ void *bytes = size ? malloc(size) : NULL;
	struct policy policy;
	size_t at = 0;
	int err;

	if (!bytes)
		return -ENOMEM;
	while (at < size) {
		ssize_t got = pread(fd, (char *)bytes + at, size - at, (off_t)at);

		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		at += (size_t)got;
	}
	err = policy_validate(bytes, size, &policy, NULL);
	if (err)
		return err;
	/* what a call grants is an image, too, but no policy */
	return policy.head->flags & MF_POL_GRANTS ? -EBADMSG : 0;
}

static bool name_ok(const char name[MF_NAME_LEN])
{
	return name[0] && memchr(name, '\0', MF_NAME_LEN);
}

int policy_take(struct brought_policy *policy, const struct mf_c_policy *asked, int *fd)
{
	size_t size = 0;
	int err;

	if (policy->fd >= 0)
		return -EALREADY;
	if (asked->mode > MF_POL_ENFORCE || !name_ok(asked->name))
		return -EINVAL;
	if (asked->mode == MF_POL_ENFORCE) /* nobody is told that it is, when it is not */
		return -EOPNOTSUPP;
	err = sealed_size(*fd, &size);
	if (!err)
		err = check_image(*fd, size);
	if (err)
		return err;
	policy->fd = take_fd(fd);
	policy->mode = asked->mode;
	memcpy(policy->name, asked->name, sizeof(policy->name));
	return 0;
}
