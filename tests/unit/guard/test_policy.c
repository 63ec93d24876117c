/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy that an owner brings along, who may be anybody. */
#include "unit/policy/policies.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "guard/policy.h"
#include "policy/grant.h"

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int file_of(const void *bytes, size_t size, unsigned seals)
{
	int fd = memfd_create("policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), (ssize_t)size);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static int good_file(unsigned seals)
{
	_cleanup_made_ struct made made = { 0 };

	make("version 1\ntool t\n  read /r\n", &made);
	return file_of(buf_bytes(&made.image), buf_size(&made.image), seals);
}

static struct mf_c_policy asked(uint32_t mode)
{
	return (struct mf_c_policy){ .mode = mode, .name = "x.policy" };
}

/* Refused for this reason, and the descriptor is still the caller's. */
static void refused(int fd, const struct mf_c_policy *packet, int error)
{
	struct brought_policy policy = POLICY_NOT_BROUGHT;
	int mine = fd;

	assert_int_equal(policy_take(&policy, packet, &mine), error);
	assert_int_equal(mine, fd);
	assert_int_equal(policy.fd, -1);
	close(fd);
}

static void a_sealed_image_is_taken_once(void **state)
{
	struct brought_policy policy = POLICY_NOT_BROUGHT;
	struct mf_c_policy packet = asked(MF_POL_AUDIT);
	int fd = good_file(ALL_SEALS), again = good_file(ALL_SEALS);

	assert_int_equal(policy_take(&policy, &packet, &fd), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(policy.mode, MF_POL_AUDIT);
	assert_string_equal(policy.name, "x.policy");
	assert_int_equal(policy_take(&policy, &packet, &again), -EALREADY);
	assert_true(again >= 0);
	close(again);
	close(policy.fd);
}

static void what_can_still_be_changed_is_refused(void **state)
{
	struct mf_c_policy packet = asked(MF_POL_AUDIT);
	static const unsigned seals[] = { F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), pair[2];

	for (size_t i = 0; i < ARRAY_LEN(seals); i++)
		refused(good_file(ALL_SEALS & ~seals[i]), &packet, -EPERM);
	refused(null, &packet, -EPERM);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	refused(pair[0], &packet, -EPERM);
	close(pair[1]);
}

static void what_is_no_image_is_refused(void **state)
{
	struct mf_c_policy packet = asked(MF_POL_AUDIT);
	static const char zeros[4096];
	int hole = memfd_create("hole", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	refused(file_of("version 1\n", 10, ALL_SEALS), &packet, -EBADMSG);
	refused(file_of(zeros, sizeof(zeros), ALL_SEALS), &packet, -EBADMSG);
	refused(file_of("", 0, ALL_SEALS), &packet, -EFBIG);
	assert_int_equal(ftruncate(hole, (off_t)MF_POLICY_BYTES_MAX + 1), 0);
	assert_int_equal(fcntl(hole, F_ADD_SEALS, ALL_SEALS), 0);
	refused(hole, &packet, -EFBIG);
}

static void what_a_call_grants_is_no_policy(void **state)
{
	struct mf_c_policy packet = asked(MF_POL_AUDIT);
	struct policy_grant_call call = { .block = MF_POL_DEFAULT };
	_cleanup_made_ struct made made = { 0 };
	_cleanup_buf_ struct buf image = { 0 };

	make("version 1\ntool t\n  read ${arg.path}\n", &made);
	assert_int_equal(policy_grant_build(&made.policy, &call, &image, NULL), 0);
	refused(file_of(buf_bytes(&image), buf_size(&image), ALL_SEALS), &packet, -EBADMSG);
}

static void a_mode_or_flag_that_is_none_is_refused(void **state)
{
	struct mf_c_policy packet = asked(77);

	refused(good_file(ALL_SEALS), &packet, -EINVAL);
	packet.mode = MF_POL_ENFORCE;
	packet.flags = ~MF_POLICY_PART;
	refused(good_file(ALL_SEALS), &packet, -EINVAL);
	packet = asked(MF_POL_AUDIT);
	packet.generation = 1; /* a session that is not there has none before */
	refused(good_file(ALL_SEALS), &packet, -EINVAL);
}

static void a_name_that_is_none_is_refused(void **state)
{
	struct mf_c_policy packet = asked(MF_POL_AUDIT);

	memset(packet.name, 'x', sizeof(packet.name));
	refused(good_file(ALL_SEALS), &packet, -EINVAL);
	packet.name[0] = '\0';
	refused(good_file(ALL_SEALS), &packet, -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sealed_image_is_taken_once),
		cmocka_unit_test(what_can_still_be_changed_is_refused),
		cmocka_unit_test(what_is_no_image_is_refused),
		cmocka_unit_test(what_a_call_grants_is_no_policy),
		cmocka_unit_test(a_mode_or_flag_that_is_none_is_refused),
		cmocka_unit_test(a_name_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
