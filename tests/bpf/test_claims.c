/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is told has happened, or says that it was only asked for; and what happened is told, whatever
 * was done before that it might be taken for: lsm and kprobe.
 */
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LATER_STAMP MF_STAMP(4, 1) /* another request than SCENE_STAMP's */

static void need_hooks(void)
{
	if (scene_engine() == MF_ENGINE_TRACE)
		skip_because("hooks before the file system: lsm or kprobe");
}

static void make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "some", 4), 4);
	close(fd);
}

/* Its name is looked up for the first time: the directory has no entry for it in memory yet. */
static int body_create_existing(struct notes *notes)
{
	int fd;

	snprintf(notes->text[0], sizeof(notes->text[0]), "/proc/%d/oom_score_adj", getpid());
	scene_act(notes);
	fd = open(notes->text[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 || open(in_dir("new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0;
}

static void what_is_there_already_is_not_told_as_created(void **state)
{
	struct scene *scene = *state;

	need_hooks();
	scene_play(scene, body_create_existing);
	assert_int_equal(scene->status, 0);
	assert_non_null(scene_path(scene, MF_EV_OPEN, scene->notes->text[0]));
	assert_null(scene_path(scene, MF_EV_CREATE, scene->notes->text[0]));
	assert_non_null(scene_path(scene, MF_EV_CREATE, in_dir("new")));
	assert_int_equal(scene_count(scene, MF_EV_CREATE, 0), 1);
}

/* The permissions allow it, the file system does not. */
static int body_not_empty(struct notes *notes)
{
	scene_act(notes);
	return rmdir(in_dir("full")) != -1 || errno != ENOTEMPTY ||
	       rename(in_dir("other"), in_dir("full")) != -1 || errno != ENOTEMPTY;
}

static void check_asked(const struct scene *scene, uint16_t kind, const char *path)
{
	struct mf_event *event = scene_path(scene, kind, path);

	if (event)
		assert_int_equal(event->flags, MF_EVF_ASKED);
}

static void what_the_file_system_refuses_is_not_told_as_done(void **state)
{
	struct scene *scene = *state;

	need_hooks();
	assert_int_equal(mkdir(in_dir("full"), 0700), 0);
	assert_int_equal(mkdir(in_dir("other"), 0700), 0);
	make_file(in_dir("full/file"));
	scene_play(scene, body_not_empty);
	assert_int_equal(scene->status, 0);
	check_asked(scene, MF_EV_DELETE, in_dir("full"));
	check_asked(scene, MF_EV_RENAME, in_dir("other"));
}

static int body_too_long(struct notes *notes)
{
	const struct rlimit limit = { 100, 100 };

	signal(SIGXFSZ, SIG_IGN);
	scene_act(notes);
	return setrlimit(RLIMIT_FSIZE, &limit) || truncate(in_dir("short"), 1000) != -1;
}

static void a_truncation_that_is_refused_is_not_told_as_done(void **state)
{
	struct scene *scene = *state;

	need_hooks();
	make_file(in_dir("short"));
	scene_play(scene, body_too_long);
	assert_int_equal(scene->status, 0);
	check_asked(scene, MF_EV_TRUNCATE, in_dir("short"));
}

static int body_may_not(struct notes *notes)
{
	if (setresuid(65534, 65534, 65534))
		return 77;
	scene_act(notes);
	return mount("none", "/tmp", "tmpfs", 0, NULL) != -1 || chroot("/") != -1;
}

static void a_mount_that_is_refused_says_that_it_was_asked_for(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body_may_not);
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, MF_EV_MOUNT, 0, 0);
	assert_non_null(event);
	assert_int_equal(event->flags, MF_EVF_ASKED);
}

/* A new file is not cut by O_TRUNC. */
static int body_cut_new(struct notes *notes)
{
	int fd;

	scene_act(notes);
	fd = open(in_dir("fresh"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return fd < 0 || write(fd, "some", 4) != 4 || ftruncate(fd, 0);
}

static void e20_a_truncation_after_an_open_that_did_none_is_told(void **state)
{
	struct scene *scene = *state;

	need_hooks();
	unlink(in_dir("fresh"));
	scene_play(scene, body_cut_new);
	assert_int_equal(scene->status, 0);
	assert_non_null(scene_path(scene, MF_EV_TRUNCATE, in_dir("fresh")));
}

static int body_map_later(struct notes *notes)
{
	int fd;

	scene_act(notes);
	fd = open(in_dir("code"), O_RDONLY | O_CLOEXEC);
	notes->page->stamp = LATER_STAMP;
	return fd < 0 || mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED;
}

static void e15_a_later_request_maps_what_an_earlier_one_opened(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;

	need_hooks();
	make_file(in_dir("code"));
	scene_play(scene, body_map_later);
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, MF_EV_MAP_EXEC, 0, 0);
	assert_non_null(event);
	assert_int_equal(event->stamp, LATER_STAMP);
}

/* user::rw- user:1000:rw- group::r-- mask::rw- other::---, as setfacl stores it */
static const unsigned char acl[] = {
	2, 0,	 0,    0,    1,	   0,	 6,  0, 0xff, 0xff, 0xff, 0xff, 2,    0,   6,
	0, 0xe8, 3,    0,    0,	   4,	 0,  4, 0,    0xff, 0xff, 0xff, 0xff, 16,  0,
	6, 0,	 0xff, 0xff, 0xff, 0xff, 32, 0, 0,    0,    0xff, 0xff, 0xff, 0xff
};

static int body_acl(struct notes *notes)
{
	const char *name = "system.posix_acl_access";

	scene_act(notes);
	if (setxattr(in_dir("shared"), name, acl, sizeof(acl), 0))
		return errno == EOPNOTSUPP ? 77 : 1;
	return removexattr(in_dir("shared"), name);
}

/* programs: inode_set_acl, inode_remove_acl, probe_inode_set_acl, probe_inode_remove_acl */
static void e20_an_access_list_is_told_as_attributes(void **state)
{
	struct scene *scene = *state;

	need_hooks();
	make_file(in_dir("shared"));
	scene_play(scene, body_acl);
	if (scene->status == 77 << 8)
		skip_because("access lists on this file system");
	assert_int_equal(scene->status, 0);
	assert_non_null(scene_path(scene, MF_EV_ATTRIB, in_dir("shared")));
	assert_int_equal(scene_count(scene, MF_EV_ATTRIB, 0), 2);
}

#define CROWD 8
#define TURNS 300

static void *make_and_delete(void *data)
{
	const char *dir = data;
	int i;

	for (i = 0; i < TURNS; i++) {
		if (mkdir(dir, 0700) || rmdir(dir))
			_exit(1);
	}
	return NULL;
}

static int body_crowd(struct notes *notes)
{
	pthread_t thread[CROWD];
	int i;

	scene_act(notes);
	for (i = 0; i < CROWD; i++) {
		snprintf(notes->text[i], sizeof(notes->text[i]), "%s/%d", scene_dir, i);
		if (pthread_create(&thread[i], NULL, make_and_delete, notes->text[i]))
			return 1;
	}
	for (i = 0; i < CROWD; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

/* The kernel may take the processor from a thread in the midst of a program (preempt=full). */
static void threads_in_each_others_way_lose_nothing_that_is_not_counted(void **state)
{
	struct scene *scene = *state;
	uint64_t lost = 0;
	size_t i;

	need_hooks();
	scene_play(scene, body_crowd);
	assert_int_equal(scene->status, 0);
	for (i = 0; i < MF_LOSS_MAX; i++)
		lost += scene->counters.lost[i];
	assert_true(scene_count(scene, MF_EV_CREATE, 0) + scene_count(scene, MF_EV_DELETE, 0) +
			    lost >=
		    2 * CROWD * TURNS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_already_is_not_told_as_created),
		cmocka_unit_test(what_the_file_system_refuses_is_not_told_as_done),
		cmocka_unit_test(a_truncation_that_is_refused_is_not_told_as_done),
		cmocka_unit_test(a_mount_that_is_refused_says_that_it_was_asked_for),
		cmocka_unit_test(e20_a_truncation_after_an_open_that_did_none_is_told),
		cmocka_unit_test(e15_a_later_request_maps_what_an_earlier_one_opened),
		cmocka_unit_test(e20_an_access_list_is_told_as_attributes),
		cmocka_unit_test(threads_in_each_others_way_lose_nothing_that_is_not_counted),
	};

	return cmocka_run_group_tests(tests, scene_setup_dir, scene_teardown_dir);
}
