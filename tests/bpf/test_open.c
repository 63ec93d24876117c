/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens: the object, the flags, and that nothing behaves differently because it is watched. */
#include "scene.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a hook that has the file can know: O_CLOEXEC is the descriptor's. */
static uint32_t of_the_file(uint32_t flags)
{
	return scene_engine() == MF_ENGINE_TRACE ? flags : flags & ~(uint32_t)O_CLOEXEC;
}

static int body_open(struct notes *notes)
{
	int fd;

	prctl(PR_SET_NAME, "opener");
	notes->page->stamp = MF_STAMP(9, 2);
	fd = open(in_dir("plain"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	return fd < 0;
}

/* programs: file_open, probe_file_open, file_question, file_question_iter */
static void an_open_has_its_object_and_flags(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_file *file;
	struct mf_event *event;
	struct stat st;

	scene_play(scene, body_open);
	need_files(scene);
	assert_int_equal(scene->status, 0);
	assert_int_equal(stat(in_dir("plain"), &st), 0);
	event = scene_path(scene, MF_EV_OPEN, in_dir("plain"));
	check_head(scene, event, (uint32_t)scene->pid, (uint32_t)scene->pid, "opener");
	assert_int_equal(event->stamp, MF_STAMP(9, 2));
	assert_int_equal(event->stamp_lo, MF_STAMP(9, 2));
	assert_int_equal(event->birth, 0);
	assert_int_equal(event->flags, 0);
	file = body_of(event);
	assert_int_equal(event->size, sizeof(*event) + sizeof(*file) + file->path_len);
	assert_int_equal(file->dev, (uint64_t)major(st.st_dev) << 20 | minor(st.st_dev));
	assert_int_equal(file->ino, st.st_ino);
	assert_int_equal(file->mode, S_IFREG | 0640);
	assert_int_equal(file->how, MF_OPEN_FLAGS_KNOWN);
	assert_int_equal(file->open_flags, of_the_file(O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC));
	assert_int_equal(file->path_flags, 0);
}

static int body_ways(struct notes *notes)
{
	struct open_how how = { .flags = O_RDONLY };
	char link[64];
	int fd;

	(void)notes;
	syscall(SYS_open, in_dir("by-open"), O_RDONLY);
	syscall(SYS_openat, AT_FDCWD, in_dir("by-openat"), O_WRONLY | O_TRUNC, 0);
	syscall(SYS_creat, in_dir("by-creat"), 0600);
	syscall(SYS_openat2, AT_FDCWD, in_dir("by-openat2"), &how, sizeof(how));
	fd = open(in_dir("by-path"), O_PATH);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	open(link, O_RDWR);
	return 0;
}

static void check_way(struct scene *scene, const char *name, uint32_t how, uint32_t flags)
{
	struct mf_event *event = scene_path(scene, MF_EV_OPEN, in_dir(name));
	struct mf_ev_file *file;

	assert_non_null(event);
	file = body_of(event);
	assert_int_equal(file->how, how);
	assert_int_equal(file->open_flags & ~(unsigned)O_LARGEFILE, flags);
}

static void make_file(const char *name)
{
	int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void each_way_to_open_tells_its_flags_or_that_they_are_unknown(void **state)
{
	struct scene *scene = *state;

	make_file("by-open");
	make_file("by-openat");
	make_file("by-openat2");
	make_file("by-path");
	scene_play(scene, body_ways);
	need_files(scene);
	check_way(scene, "by-open", MF_OPEN_FLAGS_KNOWN, O_RDONLY);
	check_way(scene, "by-openat", MF_OPEN_FLAGS_KNOWN, O_WRONLY | O_TRUNC);
	check_way(scene, "by-creat", MF_OPEN_FLAGS_KNOWN, O_WRONLY | O_CREAT | O_TRUNC);
	check_way(scene, "by-openat2", scene_engine() == MF_ENGINE_TRACE ? 0 : MF_OPEN_FLAGS_KNOWN,
		  O_RDONLY);
	check_way(scene, "by-path", MF_OPEN_FLAGS_KNOWN, O_RDWR);
}

static int body_names(struct notes *notes)
{
	int fd;

	(void)notes;
	open(in_dir("two\nlines \x1b[31m"), O_WRONLY | O_CREAT, 0600);
	open(in_dir("ends (deleted)"), O_WRONLY | O_CREAT, 0600);
	fd = open(in_dir("gone"), O_RDWR | O_CREAT, 0600);
	unlink(in_dir("gone"));
	snprintf(notes->text[0], sizeof(notes->text[0]), "/proc/self/fd/%d", fd);
	open(notes->text[0], O_RDONLY);
	open(scene_dir, O_TMPFILE | O_RDWR, 0600);
	closedir(opendir(scene_dir));
	return symlink("plain", in_dir("link")) || open(in_dir("link"), O_RDONLY) < 0;
}

static void names_are_bytes_and_a_deleted_object_is_said_to_be(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;
	size_t n = 0, deleted = 0, links = 0;

	scene_play(scene, body_names);
	need_files(scene);
	assert_int_equal(scene->status, 0);
	assert_non_null(scene_path(scene, MF_EV_OPEN, in_dir("two\nlines \x1b[31m")));
	event = scene_path(scene, MF_EV_OPEN, in_dir("ends (deleted)"));
	assert_non_null(event);
	assert_int_equal(((struct mf_ev_file *)body_of(event))->path_flags, 0);
	while ((event = scene_event(scene, MF_EV_OPEN, 0, n++))) {
		struct mf_ev_file *file = body_of(event);

		if (!strcmp(file_path_of(event), in_dir("link")))
			links++;
		if (!strncmp(file_path_of(event), scene_dir, strlen(scene_dir)) &&
		    file->path_flags == MF_PATH_DELETED)
			deleted++;
	}
	assert_int_equal(links, 0);
	assert_int_equal(deleted, 2); /* the reopened one, and the one without a name */
	event = scene_path(scene, MF_EV_OPEN, scene_dir);
	n = 0;
	while (event && !S_ISDIR(((struct mf_ev_file *)body_of(event))->mode))
		event = scene_event(scene, MF_EV_OPEN, 0, n++);
	assert_non_null(event);
}

static int body_devices(struct notes *notes)
{
	int master, fd;
	char c = 'x';

	setsid();
	master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0 || grantpt(master) || unlockpt(master))
		return 1;
	snprintf(notes->text[0], sizeof(notes->text[0]), "%s", ptsname(master));
	fd = open(notes->text[0], O_RDWR); /* our controlling terminal now */
	if (fd < 0)
		return 2;
	fd = open("/dev/tty", O_RDWR);
	if (fd < 0)
		return 3;
	if (open("/dev/null", O_WRONLY) < 0 || open("/dev/zero", O_RDONLY) < 0 ||
	    open("/dev/urandom", O_RDONLY) < 0 || open("/dev/full", O_WRONLY) < 0)
		return 4;
	return write(fd, &c, 1) != 1;
}

static void devices_and_terminals_open_as_without_us(void **state)
{
	struct scene *scene = *state;

	scene_play(scene, body_devices);
	need_files(scene);
	assert_int_equal(scene->status, 0);
}

static int body_no_tty(struct notes *notes)
{
	setsid();
	notes->value[0] = open("/dev/tty", O_RDWR) < 0 ? (uint64_t)errno : 0;
	notes->value[1] = open("/nowhere/at/all", O_RDWR) < 0 ? (uint64_t)errno : 0;
	mkfifo(in_dir("fifo"), 0600);
	notes->value[2] = open(in_dir("fifo"), O_WRONLY | O_NONBLOCK) < 0 ? (uint64_t)errno : 0;
	notes->value[3] = open(in_dir("fifo"), O_RDONLY | O_NONBLOCK) >= 0;
	notes->value[4] = open(in_dir("fifo"), O_WRONLY | O_NONBLOCK) >= 0;
	return 0;
}

static void errors_are_the_kernels_own(void **state)
{
	struct scene *scene = *state;

	scene_play(scene, body_no_tty);
	need_files(scene);
	assert_int_equal(scene->notes->value[0], ENXIO);
	assert_int_equal(scene->notes->value[1], ENOENT);
	assert_int_equal(scene->notes->value[2], ENXIO);
	assert_int_equal(scene->notes->value[3], 1);
	assert_int_equal(scene->notes->value[4], 1);
}

static void *fifo_reader(void *data)
{
	struct notes *notes = data;
	char bytes[8] = {};
	int fd = open(notes->text[0], O_RDONLY);

	notes->value[0] = (uint64_t)read(fd, bytes, sizeof(bytes));
	return NULL;
}

static int body_fifo(struct notes *notes)
{
	pthread_t thread;
	int fd;

	snprintf(notes->text[0], sizeof(notes->text[0]), "%s", in_dir("pipe"));
	mkfifo(notes->text[0], 0600);
	pthread_create(&thread, NULL, fifo_reader, notes);
	fd = open(notes->text[0], O_WRONLY);
	if (write(fd, "abc", 3) != 3)
		return 1;
	close(fd);
	pthread_join(thread, NULL);
	return notes->value[0] != 3;
}

static void a_fifo_waits_for_its_other_end_and_not_for_us(void **state)
{
	struct scene *scene = *state;

	scene_play(scene, body_fifo);
	need_files(scene);
	assert_int_equal(scene->status, 0);
}

static void *pool_thread(void *data)
{
	((struct notes *)data)->value[0] = (uint64_t)gettid();
	prctl(PR_SET_NAME, "pool");
	open(in_dir("by-thread"), O_RDONLY | O_CREAT, 0600);
	return NULL;
}

static int body_thread(struct notes *notes)
{
	pthread_t thread;

	notes->page->stamp = MF_STAMP(1, 1); /* the thread is born in a request */
	pthread_create(&thread, NULL, pool_thread, notes);
	pthread_join(thread, NULL);
	return 0;
}

/* F29 */
static void f29_a_pool_threads_open_is_its_process_and_has_its_birth(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;

	scene_play(scene, body_thread);
	need_files(scene);
	event = scene_path(scene, MF_EV_OPEN, in_dir("by-thread"));
	check_head(scene, event, (uint32_t)scene->pid, (uint32_t)scene->notes->value[0], "pool");
	assert_int_equal(event->birth, 0);
	assert_int_equal(scene_count(scene, MF_EV_FORK, 0), 0);
	assert_int_equal(scene->counters.tasks, 0);
}

static int fds_open(void)
{
	DIR *fds = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(fds))
		count++;
	closedir(fds);
	return count;
}

/* a guest emulates */
static size_t many_opens(void)
{
	return getenv("MCPFLOOR_VM") ? 5000 : 50000;
}

static int body_many(struct notes *notes)
{
	size_t i, count = many_opens();
	int fd;

	(void)notes;
	for (i = 0; i < count; i++) {
		fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return 1;
		close(fd);
	}
	return 0;
}

static struct {
	int most;
	size_t seen;
} many;

static void many_watch(struct scene *scene)
{
	int now = fds_open();

	if (now > many.most)
		many.most = now;
	scene_read(scene);
}

static int body_none(struct notes *notes)
{
	(void)notes;
	return 0;
}

/* F44 */
static void f44_many_opens_leave_no_descriptor(void **state)
{
	struct scene *scene = *state;
	struct mf_stats stats = {};
	int before;

	scene_play(scene, body_none); /* where hooks stay attached between plays, they are now */
	engine_settle(scene->engine);
	before = fds_open();
	scene->while_running = many_watch;
	scene_play(scene, body_many);
	scene->while_running = NULL;
	need_files(scene);
	assert_int_equal(scene->status, 0);
	engine_settle(scene->engine);
	assert_int_equal(fds_open(), before);
	engine_stats(scene->engine, &stats);
	assert_true(stats.file_questions >= many_opens() || scene_engine() != MF_ENGINE_TRACE);
	assert_int_equal(scene_count(scene, MF_EV_OPEN, 0) +
					 scene->counters.lost[MF_LOSS_RING_BULK] +
					 scene->counters.lost[MF_LOSS_RING_FULL] >=
				 many_opens(),
			 1);
}

static int body_gap(struct notes *notes)
{
	if (mkdir(in_dir("late"), 0755) || mount("none", in_dir("late"), "tmpfs", 0, NULL))
		return 1;
	/* until the engine has seen the mount */
	while (!__atomic_load_n(&notes->value[0], __ATOMIC_ACQUIRE))
		usleep(1000);
	open(in_dir("late/after"), O_WRONLY | O_CREAT, 0600);
	return 0;
}

static void gap_watch(struct scene *scene)
{
	struct mf_session_counters counters;

	if (!engine_session_counters(scene->engine, scene->id, &counters) &&
	    counters.lost[MF_LOSS_MOUNT_GAP])
		__atomic_store_n(&scene->notes->value[0], 1, __ATOMIC_RELEASE);
}

/* F45 */
static void f45_a_later_mount_is_watched_and_the_gap_is_told(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;

	need_engine(MF_ENGINE_TRACE);
	scene->while_running = gap_watch;
	scene_play(scene, body_gap);
	scene->while_running = NULL;
	need_files(scene);
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, MF_EV_MOUNT_GAP, 0, 0);
	assert_non_null(event);
	assert_string_equal(change_path_of(event), in_dir("late"));
	assert_int_equal(event->session, scene->id);
	assert_int_equal(event->flags, MF_EVF_LATE_SEEN | MF_EVF_PROC_UNKNOWN);
	assert_int_equal(scene->counters.lost[MF_LOSS_MOUNT_GAP], 1);
	assert_non_null(scene_path(scene, MF_EV_OPEN, in_dir("late/after")));
}

static int body_other_ns(struct notes *notes)
{
	if (unshare(CLONE_NEWNS))
		return 77;
	notes->value[0] = open(in_dir("hidden"), O_WRONLY | O_CREAT, 0600) >= 0;
	return 0;
}

/* E23, F45: the marks do not follow it there */
static void e23_a_task_in_another_mount_namespace_is_told_as_a_gap(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_change *change;
	struct mf_event *event;

	need_engine(MF_ENGINE_TRACE);
	scene_play(scene, body_other_ns);
	need_files(scene);
	assert_int_equal(scene->status, 0);
	assert_int_equal(scene_count(scene, MF_EV_MOUNT_GAP, 0), 1);
	event = scene_event(scene, MF_EV_MOUNT_GAP, (uint32_t)scene->pid, 0);
	assert_non_null(event);
	change = body_of(event);
	assert_int_equal(change->path_flags, MF_PATH_UNRESOLVED);
	assert_int_equal(change->path_len, 0);
	assert_int_equal(scene->counters.lost[MF_LOSS_MOUNT_GAP], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_open_has_its_object_and_flags),
		cmocka_unit_test(each_way_to_open_tells_its_flags_or_that_they_are_unknown),
		cmocka_unit_test(names_are_bytes_and_a_deleted_object_is_said_to_be),
		cmocka_unit_test(devices_and_terminals_open_as_without_us),
		cmocka_unit_test(errors_are_the_kernels_own),
		cmocka_unit_test(a_fifo_waits_for_its_other_end_and_not_for_us),
		cmocka_unit_test(f29_a_pool_threads_open_is_its_process_and_has_its_birth),
		cmocka_unit_test(f45_a_later_mount_is_watched_and_the_gap_is_told),
		cmocka_unit_test(e23_a_task_in_another_mount_namespace_is_told_as_a_gap),
	};
	const struct CMUnitTest once[] = {
		cmocka_unit_test(f44_many_opens_leave_no_descriptor),
	};

	int failed = cmocka_run_group_tests_name("by-program", tests, scene_setup_dir,
						 scene_teardown_dir);

	failed += cmocka_run_group_tests_name("once", once, scene_setup_dir, scene_teardown_dir);

	if (scene_engine() != MF_ENGINE_TRACE)
		return failed;
	return failed + cmocka_run_group_tests_name("by-iterator", tests, scene_setup_dir_by_iter,
						    scene_teardown_dir);
}
