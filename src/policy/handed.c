/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "policy/tables.h"

int policy_read_handed(int fd, size_t max, void **ret_bytes, struct policy *ret_policy)
{
	_cleanup_free_ void *bytes = NULL;
	struct policy policy;
	size_t size, at = 0;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0 || (uint64_t)st.st_size > max)
		return -EFBIG;
	size = (size_t)st.st_size;
	bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	while (at < size) {
		ssize_t got = pread(fd, (char *)bytes + at, size - at, (off_t)at);

		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		at += (size_t)got;
	}
	r = policy_validate(bytes, size, &policy, NULL);
	if (r)
		return r;
	/* what a call grants is an image, too, but no policy */
	if (policy.head->flags & MF_POL_GRANTS)
		return -EBADMSG;
	*ret_policy = policy;
	*ret_bytes = take_ptr(bytes);
	return 0;
}
