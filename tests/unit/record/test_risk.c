/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "record/risk.h"

static const struct workplace app = { .cwd = "/srv/app",
				      .argv = "npx\0-y\0server\0/data/\0/",
				      .argv_size = 22 };
static const struct workplace nowhere = { .cwd = "", .argv = "" };
static const struct workplace root_dir = { .cwd = "/", .argv = "" };

static enum risk opened(const struct workplace *place, const char *path, uint32_t flags)
{
	struct mf_ev_file file = { .open_flags = flags,
				   .how = MF_OPEN_FLAGS_KNOWN,
				   .mode = S_IFREG | 0644,
				   .path_len = (uint16_t)strlen(path) };

	return risk_of(MF_EV_OPEN, &file, path, place);
}

static void flags_are_read_as_a_signal(void **state)
{
	assert_int_equal(opened(&app, "/srv/app/x", O_RDONLY), RISK_BASELINE);
	assert_int_equal(opened(&app, "/srv/app/x", O_WRONLY), RISK_WRITE);
	assert_int_equal(opened(&app, "/srv/app/x", O_RDWR), RISK_READ_WRITE);
	assert_int_equal(opened(&app, "/srv/app/x", O_WRONLY | O_CREAT | O_TRUNC), RISK_CREATE);
}

static void credentials_are_alerts_however_they_are_opened(void **state)
{
	static const char *const paths[] = { "/etc/passwd",	     "/etc/shadow",
					     "/home/u/.ssh/id_rsa",  "/root/.aws/credentials",
					     "/srv/app/.env",	     "/home/u/.netrc",
					     "/proc/1/environ",	     "/home/u/.claude.json",
					     "/etc/ssh/ssh_host_key" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_int_equal(opened(&app, paths[i], O_RDONLY), RISK_ALERT);
}

static void what_runtimes_read_is_no_alert(void **state)
{
	static const char *const paths[] = { "/etc/hosts",	"/usr/lib/x.so",
					     "/proc/self/maps", "/etc/passwd.txt",
					     "/home/u/.npmrc",	"/etc/ssl/certs/ca.pem",
					     "/home/u/environ" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_int_equal(opened(&app, paths[i], O_RDONLY), RISK_BASELINE);
}

static void writes_outside_the_working_tree_are_alerts(void **state)
{
	assert_int_equal(opened(&app, "/srv/application/x", O_WRONLY), RISK_ALERT);
	assert_int_equal(opened(&app, "/home/u/.bashrc", O_WRONLY), RISK_ALERT);
	assert_int_equal(opened(&app, "/tmp/x", O_WRONLY), RISK_WRITE);
	assert_int_equal(opened(&app, "/dev/null", O_WRONLY), RISK_WRITE);
	assert_int_equal(opened(&app, "/home/u/.npm/_logs/x", O_WRONLY), RISK_WRITE);
}

/* E33 */
static void the_kernels_settings_are_nobodys_working_tree(void **state)
{
	assert_int_equal(opened(&app, "/proc/sys/kernel/core_pattern", O_WRONLY), RISK_ALERT);
	assert_int_equal(opened(&nowhere, "/proc/sys/kernel/modprobe", O_WRONLY), RISK_ALERT);
	assert_int_equal(opened(&app, "/proc/self/oom_score_adj", O_WRONLY), RISK_WRITE);
	assert_int_equal(opened(&app, "/proc/sys/kernel/core_pattern", O_RDONLY), RISK_BASELINE);
}

static void directories_on_the_command_line_belong_to_the_working_tree(void **state)
{
	assert_int_equal(opened(&app, "/data/a/b", O_WRONLY), RISK_WRITE);
	assert_int_equal(opened(&app, "/data2/a", O_WRONLY), RISK_ALERT);
	/* the lone slash gives nothing away */
	assert_int_equal(opened(&app, "/etc/cron.d/x", O_WRONLY), RISK_ALERT);
}

static void without_a_working_tree_system_trees_count(void **state)
{
	assert_int_equal(opened(&nowhere, "/home/u/x", O_WRONLY), RISK_WRITE);
	assert_int_equal(opened(&nowhere, "/etc/cron.d/x", O_WRONLY), RISK_ALERT);
	assert_int_equal(opened(&root_dir, "/usr/bin/x", O_WRONLY), RISK_ALERT);
	assert_int_equal(opened(&root_dir, "/home/u/.bashrc", O_WRONLY), RISK_ALERT);
}

static void flags_that_are_not_known_are_not_guessed(void **state)
{
	struct mf_ev_file file = { .mode = S_IFREG, .path_len = 10 };

	assert_int_equal(risk_of(MF_EV_OPEN, &file, "/usr/bin/x", &app), RISK_BASELINE);
	file.how = MF_OPEN_IOURING;
	assert_int_equal(risk_of(MF_EV_OPEN, &file, "/usr/bin/x", &app), RISK_READ_WRITE);
}

static void both_ends_of_a_rename_are_looked_at(void **state)
{
	struct mf_ev_change change = { .path_len = 10, .path2_len = 11 };

	assert_int_equal(risk_of(MF_EV_RENAME, &change, "/srv/app/a/srv/app/bb", &app), RISK_WRITE);
	assert_int_equal(risk_of(MF_EV_RENAME, &change, "/srv/app/a/etc/shadow", &app), RISK_ALERT);
}

static void what_a_link_is_of_is_looked_at(void **state)
{
	struct mf_ev_change change = { .path_len = 10, .path2_len = 11 };

	assert_int_equal(risk_of(MF_EV_CREATE, &change, "/srv/app/a/srv/app/bb", &app),
			 RISK_CREATE);
	assert_int_equal(risk_of(MF_EV_CREATE, &change, "/srv/app/a/etc/shadow", &app), RISK_ALERT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_are_read_as_a_signal),
		cmocka_unit_test(credentials_are_alerts_however_they_are_opened),
		cmocka_unit_test(what_runtimes_read_is_no_alert),
		cmocka_unit_test(writes_outside_the_working_tree_are_alerts),
		cmocka_unit_test(the_kernels_settings_are_nobodys_working_tree),
		cmocka_unit_test(directories_on_the_command_line_belong_to_the_working_tree),
		cmocka_unit_test(without_a_working_tree_system_trees_count),
		cmocka_unit_test(flags_that_are_not_known_are_not_guessed),
		cmocka_unit_test(both_ends_of_a_rename_are_looked_at),
		cmocka_unit_test(what_a_link_is_of_is_looked_at),
	};

	return cmocka_run_group_tests_name("risk", tests, NULL, NULL);
}
