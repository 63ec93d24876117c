/* SPDX-License-Identifier: BSD-2-Clause */
/* Images in files that somebody hands over. */
#include "policies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "policy/grant.h"

#define MAX (1U << 20)

static int file_of(const void *bytes, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

/* What comes of handing the bytes over; what is said afterwards must be of the policy that was read. */
static int read_handed(const void *bytes, size_t size, size_t max)
{
	_cleanup_fd_ int fd = file_of(bytes, size);
	_cleanup_free_ void *copy = NULL;
	struct policy policy;
	int r = policy_read_handed(fd, max, &copy, &policy);

	if (r == 0)
		assert_ptr_equal(policy.bytes, copy);
	else
		assert_null(copy);
	return r;
}

static void a_policy_is_read_from_a_file(void **state)
{
	_cleanup_made_ struct made made = { 0 };
	size_t size;

	make("version 1\nbase\n  read /x\n", &made);
	size = buf_size(&made.image);
	assert_int_equal(read_handed(buf_bytes(&made.image), size, MAX), 0);
	assert_int_equal(read_handed(buf_bytes(&made.image), size, size), 0);
	assert_int_equal(read_handed(buf_bytes(&made.image), size, size - 1), -EFBIG);
}

static void what_is_no_policy_is_refused(void **state)
{
	_cleanup_made_ struct made made = { 0 };
	_cleanup_buf_ struct buf grants = { 0 };
	const struct policy_grant_call call = { .arguments = "{\"p\":\"/x\"}",
						.arguments_size = 10 };

	make("version 1\nbase\n  read /x\ntool *\n  read ${arg.p}\n", &made);
	assert_int_equal(read_handed("", 0, MAX), -EFBIG);
	assert_int_equal(read_handed("no image", 8, MAX), -EBADMSG);
	assert_int_equal(read_handed(buf_bytes(&made.image), buf_size(&made.image) - 8, MAX),
			 -EBADMSG);
	assert_int_equal(policy_grant_build(&made.policy, &call, &grants, NULL), 0);
	assert_int_equal(read_handed(buf_bytes(&grants), buf_size(&grants), MAX), -EBADMSG);
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
	_cleanup_free_ void *copy = NULL;
	int only_written = memfd_create("image", MFD_CLOEXEC);
	struct policy policy;
	char path[64];
	_cleanup_fd_ int fd = -1;

	assert_int_equal(write(only_written, "x", 1), 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", only_written);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	close(only_written);
	assert_int_equal(policy_read_handed(-1, MAX, &copy, &policy), -EBADF);
	assert_int_equal(policy_read_handed(fd, MAX, &copy, &policy), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_is_read_from_a_file),
		cmocka_unit_test(what_is_no_policy_is_refused),
		cmocka_unit_test(a_file_that_cannot_be_read_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
