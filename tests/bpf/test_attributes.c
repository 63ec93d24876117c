/* SPDX-License-Identifier: BSD-2-Clause */
/* E20: what is done to a file without opening it, each by its program: lsm and kprobe. */
#include "scene.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* One change of this file, and every field of its event */
static void check_one(struct scene *scene, int (*body)(struct notes *notes), uint16_t kind,
		      uint32_t mask, uint32_t flags)
{
	const char *path = in_dir("file");
	struct mf_ev_change *change;
	struct mf_event *event;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (scene_engine() == MF_ENGINE_TRACE)
		skip_because("an engine that sees it before the file system does: lsm or kprobe");
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "some", 4), 4);
	close(fd);
	assert_true(setxattr(path, "trusted.mf", "v", 1, 0) == 0);
	scene_play(scene, body);
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, kind, 0, 0);
	check_head(scene, event, (uint32_t)scene->pid, (uint32_t)scene->pid, "actor");
	assert_int_equal(event->stamp, SCENE_STAMP);
	assert_int_equal(event->stamp_lo, SCENE_STAMP);
	assert_int_equal(event->birth, 0);
	assert_int_equal(event->flags, flags);
	change = body_of(event);
	assert_int_equal(change->mask, mask);
	assert_int_equal(change->path_flags, 0);
	assert_int_equal(change->path2_flags, 0);
	assert_int_equal(change->path2_len, 0);
	assert_int_equal(change->pad, 0);
	assert_string_equal(change_path_of(event), path);
	assert_int_equal(event->size, sizeof(*event) + sizeof(*change) + change->path_len);
	assert_int_equal(scene_count(scene, kind, 0), 1);
}

static int body_chmod(struct notes *notes)
{
	scene_act(notes);
	return chmod(in_dir("file"), 0640);
}

/* programs: path_chmod, probe_path_chmod */
static void path_chmod_tells_the_path(void **state)
{
	check_one(*state, body_chmod, MF_EV_ATTRIB, FAN_ATTRIB, MF_EVF_ASKED);
}

static int body_chown(struct notes *notes)
{
	scene_act(notes);
	return chown(in_dir("file"), 1, 1);
}

/* programs: path_chown, probe_path_chown */
static void path_chown_tells_the_path(void **state)
{
	check_one(*state, body_chown, MF_EV_ATTRIB, FAN_ATTRIB, MF_EVF_ASKED);
}

static int body_setxattr(struct notes *notes)
{
	scene_act(notes);
	return setxattr(in_dir("file"), "trusted.mf", "w", 1, 0);
}

/* programs: inode_setxattr, probe_inode_setxattr */
static void inode_setxattr_tells_the_path(void **state)
{
	check_one(*state, body_setxattr, MF_EV_ATTRIB, FAN_ATTRIB, MF_EVF_ASKED);
}

static int body_removexattr(struct notes *notes)
{
	scene_act(notes);
	return removexattr(in_dir("file"), "trusted.mf");
}

/* programs: inode_removexattr, probe_inode_removexattr */
static void inode_removexattr_tells_the_path(void **state)
{
	check_one(*state, body_removexattr, MF_EV_ATTRIB, FAN_ATTRIB, MF_EVF_ASKED);
}

static int body_utimes(struct notes *notes)
{
	scene_act(notes);
	return utimensat(AT_FDCWD, in_dir("file"), NULL, 0);
}

/* programs: vfs_utimes, probe_vfs_utimes */
static void vfs_utimes_tells_the_path(void **state)
{
	check_one(*state, body_utimes, MF_EV_ATTRIB, FAN_ATTRIB, MF_EVF_ASKED);
}

static int body_truncate(struct notes *notes)
{
	scene_act(notes);
	return truncate(in_dir("file"), 2);
}

/* programs: path_truncate, probe_path_truncate */
static void path_truncate_tells_the_path(void **state)
{
	check_one(*state, body_truncate, MF_EV_TRUNCATE, FAN_MODIFY, MF_EVF_ASKED);
}

static int body_ftruncate(struct notes *notes)
{
	int fd = open(in_dir("file"), O_RDWR | O_CLOEXEC);

	scene_act(notes);
	return fd < 0 || ftruncate(fd, 2);
}

/* programs: file_truncate, probe_file_truncate */
static void file_truncate_tells_the_path(void **state)
{
	check_one(*state, body_ftruncate, MF_EV_TRUNCATE, FAN_MODIFY, MF_EVF_ASKED);
}

static int body_open_truncated(struct notes *notes)
{
	scene_act(notes);
	return open(in_dir("file"), O_WRONLY | O_TRUNC | O_CLOEXEC) < 0 ||
	       truncate(in_dir("file"), 0);
}

static void an_open_that_truncates_is_an_open_only(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_file *file;

	/* the one that is there is truncate()'s */
	check_one(scene, body_open_truncated, MF_EV_TRUNCATE, FAN_MODIFY, MF_EVF_ASKED);
	file = body_of(scene_path(scene, MF_EV_OPEN, in_dir("file")));
	assert_int_equal(file->open_flags & (O_WRONLY | O_TRUNC), O_WRONLY | O_TRUNC);
}

static int body_mknod(struct notes *notes)
{
	unlink(in_dir("file"));
	scene_act(notes);
	return mknod(in_dir("file"), S_IFCHR | 0600, 0x103);
}

/* programs: inode_mknod, probe_inode_mknod */
static void inode_mknod_tells_the_path(void **state)
{
	check_one(*state, body_mknod, MF_EV_CREATE, FAN_CREATE, 0);
	unlink(in_dir("file"));
}

/* A file that was opened long before, and one that was opened just now */
static int body_map(struct notes *notes)
{
	int before = open(in_dir("file"), O_RDONLY | O_CLOEXEC), i;

	for (i = 0; i < 2; i++)
		close(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
	close(open("/etc/group", O_RDONLY | O_CLOEXEC));
	scene_act(notes);
	if (mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, before, 0) == MAP_FAILED ||
	    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, before, 0) == MAP_FAILED)
		return 1;
	before = open(in_dir("file"), O_RDONLY | O_CLOEXEC);
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, before, 0) == MAP_FAILED;
}

/* programs: mmap_file, probe_mmap_file */
static void e15_mmap_file_tells_what_was_not_opened_just_before(void **state)
{
	struct scene *scene = *state;
	int fd = open(in_dir("file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (scene_engine() == MF_ENGINE_TRACE)
		skip_because("an engine that sees mappings: lsm or kprobe");
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "some", 4), 4);
	close(fd);
	scene_play(scene, body_map);
	assert_int_equal(scene->status, 0);
	check_act(scene, (struct act_want){ .kind = MF_EV_MAP_EXEC, .path = in_dir("file") });
	assert_int_equal(scene_count(scene, MF_EV_MAP_EXEC, 0), 1);
}

static int body_starts(struct notes *notes)
{
	scene_act(notes);
	return system("/bin/true") || system("python3 -c 'import ctypes, hashlib'");
}

/* The program, its interpreter and its libraries are opened for it: their opens tell. */
static void mmap_file_is_silent_when_programs_start(void **state)
{
	struct scene *scene = *state;

	if (scene_engine() == MF_ENGINE_TRACE)
		skip_because("an engine that sees mappings: lsm or kprobe");
	scene_play(scene, body_starts);
	assert_int_equal(scene_count(scene, MF_EV_MAP_EXEC, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_chmod_tells_the_path),
		cmocka_unit_test(path_chown_tells_the_path),
		cmocka_unit_test(inode_setxattr_tells_the_path),
		cmocka_unit_test(inode_removexattr_tells_the_path),
		cmocka_unit_test(vfs_utimes_tells_the_path),
		cmocka_unit_test(path_truncate_tells_the_path),
		cmocka_unit_test(file_truncate_tells_the_path),
		cmocka_unit_test(an_open_that_truncates_is_an_open_only),
		cmocka_unit_test(inode_mknod_tells_the_path),
		cmocka_unit_test(e15_mmap_file_tells_what_was_not_opened_just_before),
		cmocka_unit_test(mmap_file_is_silent_when_programs_start),
	};

	return cmocka_run_group_tests(tests, scene_setup_dir, scene_teardown_dir);
}
