/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounts that the session makes: what is not watched is said so, and nobody can hold us by one. And
 * paths that change under us are right or are said not to be known. */
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd >= 0 && !close(fd);
}

static bool mount_tmpfs(const char *path)
{
	return !mkdir(path, 0755) && !mount("none", path, "tmpfs", 0, NULL);
}

/* For the child to wait until the engine has seen this many gaps */
static void tell_gaps(struct scene *scene)
{
	struct mf_session_counters counters;

	if (!engine_session_counters(scene->engine, scene->id, &counters))
		__atomic_store_n(&scene->notes->value[0], counters.lost[MF_LOSS_MOUNT_GAP],
				 __ATOMIC_RELEASE);
}

/* Only trace has to watch mounts, so that it can miss one */
static void wait_gaps(struct notes *notes, uint64_t count)
{
	if (scene_engine() != MF_ENGINE_TRACE)
		return;
	while (__atomic_load_n(&notes->value[0], __ATOMIC_ACQUIRE) < count)
		usleep(1000);
}

static void play(struct scene *scene, int (*body)(struct notes *notes))
{
	scene->while_running = tell_gaps;
	scene_play(scene, body);
	scene->while_running = NULL;
	need_files(scene);
	assert_int_equal(scene->status, 0);
}

static int body_came_and_went(struct notes *notes)
{
	(void)notes;
	if (mkdir(in_dir("went"), 0755) || mount("/etc", in_dir("went"), NULL, MS_BIND, NULL))
		return 1;
	close(open(in_dir("went/passwd"), O_RDONLY | O_CLOEXEC));
	return umount(in_dir("went")) != 0;
}

/* E23. The engine looks only when it is over. */
static void e23_a_mount_that_came_and_went_unseen_is_a_gap(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_change *gap;
	struct mf_event *event;

	need_engine(MF_ENGINE_TRACE);
	scene->deaf = true;
	scene_play(scene, body_came_and_went);
	scene->deaf = false;
	need_files(scene);
	event = scene_event(scene, MF_EV_MOUNT_GAP, 0, 0);
	assert_non_null(event);
	gap = body_of(event);
	assert_int_equal(gap->path_flags, MF_PATH_UNRESOLVED);
	assert_int_equal(gap->path_len, 0);
	assert_int_equal(gap->mask, 0);
	assert_true(scene->counters.lost[MF_LOSS_MOUNT_GAP] >= 1);
}

static int fuse_fd;

static void fuse_reply(const struct fuse_in_header *in, int error, const void *data, size_t size)
{
	char bytes[512];
	struct fuse_out_header out = { .len = (uint32_t)(sizeof(out) + size),
				       .error = -error,
				       .unique = in->unique };

	memcpy(bytes, &out, sizeof(out));
	if (size)
		memcpy(bytes + sizeof(out), data, size);
	if (write(fuse_fd, bytes, out.len) < 0)
		_exit(1);
}

static struct fuse_attr fuse_attr_of(uint64_t node)
{
	return (struct fuse_attr){ .ino = node,
				   .mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
				   .nlink = 1 };
}

/* A file system with one file, whose daemon opens another file before it answers an open. */
static void fuse_serve(const struct fuse_in_header *in)
{
	struct fuse_init_out init = { .major = 7, .minor = 31, .max_write = 4096 };
	struct fuse_attr_out attr = { .attr = fuse_attr_of(in->nodeid) };
	struct fuse_entry_out entry = { .nodeid = 2, .entry_valid = 99, .attr = fuse_attr_of(2) };
	struct fuse_open_out opened = {};

	switch (in->opcode) {
	case FUSE_INIT:
		return fuse_reply(in, 0, &init, sizeof(init));
	case FUSE_GETATTR:
		return fuse_reply(in, 0, &attr, sizeof(attr));
	case FUSE_LOOKUP:
		return fuse_reply(in, 0, &entry, sizeof(entry));
	case FUSE_OPEN:
		close(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
		return fuse_reply(in, 0, &opened, sizeof(opened));
	case FUSE_FORGET:
	case FUSE_INTERRUPT:
		return;
	default:
		return fuse_reply(in, ENOSYS, NULL, 0);
	}
}

static _Noreturn void fuse_daemon(void)
{
	static _Alignas(8) char request[1 << 17];

	alarm(10); /* whoever waits for it is free then */
	while (read(fuse_fd, request, sizeof(request)) > 0)
		fuse_serve((const struct fuse_in_header *)request);
	_exit(0);
}

static int body_fuse(struct notes *notes)
{
	char options[100];
	int daemon, fd;

	fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fuse_fd < 0)
		return 77;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse_fd);
	if (mkdir(in_dir("fuse"), 0755) || mount("fuse", in_dir("fuse"), "fuse", 0, options))
		return 77;
	daemon = fork();
	if (!daemon)
		fuse_daemon();
	wait_gaps(notes, 1);
	fd = open(in_dir("fuse/file"), O_RDONLY | O_CLOEXEC);
	notes->value[1] = fd >= 0;
	close(fd);
	umount2(in_dir("fuse"), MNT_DETACH);
	kill(daemon, SIGKILL);
	return waitpid(daemon, NULL, 0) != daemon;
}

static void a_file_system_that_a_process_answers_for_holds_nobody(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_change *gap;
	struct mf_event *event;

	scene->while_running = tell_gaps;
	scene_play(scene, body_fuse);
	scene->while_running = NULL;
	need_files(scene);
	if (scene->status == 77 << 8)
		skip_because("FUSE");
	assert_int_equal(scene->status, 0);
	assert_int_equal(scene->notes->value[1], 1);
	/* the daemon's own open is answered while it keeps another one waiting */
	assert_non_null(scene_path(scene, MF_EV_OPEN, "/etc/passwd"));
	event = scene_path(scene, MF_EV_MOUNT_GAP, in_dir("fuse"));
	if (scene_engine() != MF_ENGINE_TRACE) {
		assert_null(event);
		assert_non_null(scene_path(scene, MF_EV_OPEN, in_dir("fuse/file")));
		return;
	}
	assert_non_null(event);
	gap = body_of(event);
	assert_int_equal(gap->mask, MF_GAP_STAYS);
}

static int body_detached(struct notes *notes)
{
	if (!mount_tmpfs(in_dir("lazy")))
		return 1;
	wait_gaps(notes, 1);
	if (chdir(in_dir("lazy")) || mkdir("etc", 0755) || umount2(in_dir("lazy"), MNT_DETACH))
		return 2;
	wait_gaps(notes, 2);
	return !touch("etc/passwd") || mkdir("srv", 0755);
}

static void what_hangs_in_the_air_has_no_path(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_file *file;
	struct mf_event *event;
	size_t n;

	play(scene, body_detached);
	event = scene_path(scene, MF_EV_OPEN, "etc/passwd");
	assert_non_null(event);
	file = body_of(event);
	assert_int_equal(file->path_flags, MF_PATH_UNRESOLVED);
	assert_null(scene_path(scene, MF_EV_CREATE, "/srv"));
	for (n = 0; (event = scene_event(scene, MF_EV_CREATE, 0, n)); n++) {
		struct mf_ev_change *change = body_of(event);

		if (!strstr(change_path_of(event), "passwd"))
			continue;
		assert_int_equal(change->path_flags, MF_PATH_UNRESOLVED);
		assert_int_not_equal(change_path_of(event)[0], '/');
	}
}

/* Two parts of a file system, shown at `a` and `b`; the whole of it is shown no more. */
static int show_parts(struct notes *notes, const char *a, const char *b)
{
	if (!mount_tmpfs(in_dir("all")) || mkdir(in_dir("all/a"), 0755) ||
	    mkdir(in_dir("all/b"), 0755) || mkdir(a, 0755) || mkdir(b, 0755))
		return 1;
	wait_gaps(notes, 1);
	if (mount(in_dir("all/a"), a, NULL, MS_BIND, NULL) ||
	    mount(in_dir("all/b"), b, NULL, MS_BIND, NULL) || umount2(in_dir("all"), MNT_DETACH) ||
	    rmdir(in_dir("all")))
		return 2;
	wait_gaps(notes, 3);
	return 0;
}

static int body_part(struct notes *notes)
{
	char a[600], b[600];

	snprintf(a, sizeof(a), "%s/a", scene_dir);
	snprintf(b, sizeof(b), "%s/b", scene_dir);
	return show_parts(notes, a, b) || mkdir(in_dir("a/x"), 0755) ||
	       mkdir(in_dir("b/y"), 0755) || !touch(in_dir("b/y/z")) ||
	       rename(in_dir("b/y/z"), in_dir("b/w"));
}

static void a_change_has_its_path_through_the_mount_that_shows_it(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;

	play(scene, body_part);
	if (!(scene->session.coverage & MF_COV_CHANGES))
		skip_because("fanotify notifications with names");
	assert_non_null(scene_path(scene, MF_EV_CREATE, in_dir("a/x")));
	assert_non_null(scene_path(scene, MF_EV_CREATE, in_dir("b/y")));
	assert_non_null(scene_path(scene, MF_EV_CREATE, in_dir("b/y/z")));
	event = scene_path(scene, MF_EV_RENAME, in_dir("b/y/z"));
	assert_non_null(event);
	assert_string_equal(change_path2_of(event), in_dir("b/w"));
}

static int body_many(struct notes *notes)
{
	char a[600], b[600];
	int i, status;

	snprintf(a, sizeof(a), "%s/many-a", scene_dir);
	snprintf(b, sizeof(b), "%s/many-b", scene_dir);
	status = show_parts(notes, a, b);
	for (i = 0; !status && i < 600; i++)
		if (mount(b, b, NULL, MS_BIND, NULL))
			return 3;
	return status || mkdir(in_dir("many-a/of-many"), 0755);
}

/* To look through them all for each change would hold everybody. */
static void among_very_many_mounts_a_change_is_named_right_or_not_at_all(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_change *change;
	struct mf_event *event;
	size_t n, found = 0;

	play(scene, body_many);
	if (!(scene->session.coverage & MF_COV_CHANGES))
		skip_because("fanotify notifications with names");
	for (n = 0; (event = scene_event(scene, MF_EV_CREATE, 0, n)); n++) {
		change = body_of(event);
		if (!strstr(change_path_of(event), "of-many"))
			continue;
		found++;
		if (change->path_flags != MF_PATH_UNRESOLVED)
			assert_string_equal(change_path_of(event), in_dir("many-a/of-many"));
	}
	assert_int_equal(found, 1);
}

static void *rename_to_and_fro(void *data)
{
	const bool *over = data;
	char longer[600], shorter[600];

	snprintf(longer, sizeof(longer), "%s/aaaaaaaaaaaaaaaaaaaa", scene_dir);
	snprintf(shorter, sizeof(shorter), "%s/bbbbbbbbbb", scene_dir);
	while (!__atomic_load_n(over, __ATOMIC_RELAXED)) {
		rename(longer, shorter);
		rename(shorter, longer);
	}
	return NULL;
}

static int body_renamed(struct notes *notes)
{
	bool over = false;
	pthread_t thread;
	int at, i, fd;

	(void)notes;
	if (mkdir(in_dir("aaaaaaaaaaaaaaaaaaaa"), 0755))
		return 1;
	at = open(in_dir("aaaaaaaaaaaaaaaaaaaa"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	close(openat(at, "x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	pthread_create(&thread, NULL, rename_to_and_fro, &over);
	for (i = 0; i < 20000; i++) {
		fd = openat(at, "x", O_RDONLY | O_CLOEXEC);
		close(fd);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	return pthread_join(thread, NULL);
}

/* E02: half of one name and half of the other was never the file's path */
static void e02_a_name_that_changes_meanwhile_is_one_or_the_other(void **state)
{
	struct scene *scene = *state;
	char wanted[2][600];
	size_t i;

	scene_play(scene, body_renamed);
	need_files(scene);
	assert_int_equal(scene->status, 0);
	snprintf(wanted[0], sizeof(wanted[0]), "%s/aaaaaaaaaaaaaaaaaaaa/x", scene_dir);
	snprintf(wanted[1], sizeof(wanted[1]), "%s/bbbbbbbbbb/x", scene_dir);
	for (i = 0; i < scene->count; i++) {
		const char *path;
		size_t len;

		if (scene->events[i]->kind != MF_EV_OPEN)
			continue;
		path = file_path_of(scene->events[i]);
		len = strlen(path);
		if (len > 2 && !strcmp(path + len - 2, "/x") && strcmp(path, wanted[0]))
			assert_string_equal(path, wanted[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e23_a_mount_that_came_and_went_unseen_is_a_gap),
		cmocka_unit_test(a_file_system_that_a_process_answers_for_holds_nobody),
		cmocka_unit_test(what_hangs_in_the_air_has_no_path),
		cmocka_unit_test(a_change_has_its_path_through_the_mount_that_shows_it),
		cmocka_unit_test(among_very_many_mounts_a_change_is_named_right_or_not_at_all),
		cmocka_unit_test(e02_a_name_that_changes_meanwhile_is_one_or_the_other),
	};

	return cmocka_run_group_tests(tests, scene_setup_dir, scene_teardown_dir);
}
