/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "guard/directory.h"

#define RECORDER 4711

static char dir[] = "/tmp/mcpfloor-dir-XXXXXX", logs[64];

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/mcpfloor-dir-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(logs, sizeof(logs), "%s/log", dir);
	return 0;
}

static int teardown(void **state)
{
	rmdir(logs);
	return rmdir(dir);
}

static void owner_and_mode_are(uid_t uid, mode_t mode)
{
	struct stat st;

	assert_int_equal(stat(logs, &st), 0);
	assert_int_equal(st.st_uid, uid);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void a_log_directory_that_is_made_is_the_recorders_and_stays_usable(void **state)
{
	bool foreign = false;

	for (int i = 0; i < 2; i++) {
		_cleanup_fd_ int log = directory_open_log(dir, RECORDER, RECORDER, &foreign);

		assert_true(log >= 0);
		assert_false(foreign);
		owner_and_mode_are(RECORDER, 0700);
	}
}

static void one_that_was_there_is_refused_and_left_as_it_is(void **state)
{
	static const struct {
		uid_t uid;
		mode_t mode;
	} theirs[] = { { 0, 0755 }, { 0, 0700 }, { RECORDER, 0750 }, { RECORDER, 0701 } };

	assert_int_equal(mkdir(logs, 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(theirs); i++) {
		bool foreign = false;

		assert_int_equal(chown(logs, theirs[i].uid, 0), 0);
		assert_int_equal(chmod(logs, theirs[i].mode), 0);
		assert_int_equal(directory_open_log(dir, RECORDER, RECORDER, &foreign), -EPERM);
		assert_true(foreign);
		owner_and_mode_are(theirs[i].uid, theirs[i].mode);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_log_directory_that_is_made_is_the_recorders_and_stays_usable),
		TEST(one_that_was_there_is_refused_and_left_as_it_is),
	};

	if (geteuid()) {
		puts("1..0 # SKIP needs root, to make another user's directories");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
