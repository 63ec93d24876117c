/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of files: both names, the process also when it is dead, and what the queue could not hold. */
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void need_changes(struct scene *scene)
{
	if (!(scene->session.coverage & MF_COV_CHANGES))
		skip_because("changes of files, seen with their names");
}

/* A notification comes late; a hook before the file system does, of what that may well refuse, is only asked. */
static uint32_t flags_of(uint16_t kind, uint32_t mask)
{
	if (scene_engine() == MF_ENGINE_TRACE)
		return MF_EVF_LATE_SEEN;
	if (kind == MF_EV_DELETE || kind == MF_EV_RENAME)
		return mask & FAN_ONDIR ? MF_EVF_ASKED : 0;
	return kind == MF_EV_ATTRIB || kind == MF_EV_TRUNCATE ? MF_EVF_ASKED : 0;
}

static struct mf_event *check_change(struct scene *scene, uint16_t kind, const char *path,
				     uint32_t mask)
{
	struct mf_event *event = scene_path(scene, kind, path);
	struct mf_ev_change *change;

	if (!event)
		fail_msg("no event of kind %u for %s", kind, path);
	check_head(scene, event, (uint32_t)scene->pid, (uint32_t)scene->pid, "actor");
	assert_int_equal(event->flags, flags_of(kind, mask));
	assert_int_equal(event->birth, 0);
	change = body_of(event);
	if (scene_engine() == MF_ENGINE_TRACE) { /* between two moments; two changes may be one */
		assert_true(event->stamp_lo <= SCENE_STAMP && SCENE_STAMP <= event->stamp);
		assert_int_equal(change->mask & mask, mask);
	} else {
		assert_int_equal(event->stamp, SCENE_STAMP);
		assert_int_equal(event->stamp_lo, SCENE_STAMP);
		assert_int_equal(change->mask, mask);
	}
	assert_int_equal(change->path_flags, 0);
	assert_int_equal(change->path2_flags, 0);
	assert_int_equal(change->pad, 0);
	if (kind != MF_EV_RENAME && !strstr(path, "/link"))
		assert_int_equal(change->path2_len, 0);
	assert_int_equal(event->size,
			 sizeof(*event) + sizeof(*change) + change->path_len + change->path2_len);
	return event;
}

static int body_changes(struct notes *notes)
{
	int fd;

	scene_act(notes);
	fd = open(in_dir("made"), O_WRONLY | O_CREAT, 0600);
	close(fd);
	return mkdir(in_dir("dir"), 0700) || symlink("x", in_dir("symlink")) ||
	       link(in_dir("made"), in_dir("link")) || mknod(in_dir("fifo"), S_IFIFO | 0600, 0) ||
	       rename(in_dir("made"), in_dir("dir/moved")) || chmod(in_dir("dir/moved"), 0640) ||
	       setxattr(in_dir("link"), "trusted.mf", "v", 1, 0) || unlink(in_dir("link")) ||
	       unlink(in_dir("symlink")) || chmod(in_dir("dir"), 0711) ||
	       mkdir(in_dir("gone"), 0700) || rmdir(in_dir("gone"));
}

/*
 * programs: event_pass, change_who, change_who_iter, path_mknod, probe_path_mknod, path_mkdir,
 * probe_path_mkdir, path_symlink, probe_path_symlink, path_link, probe_path_link, path_unlink,
 * probe_path_unlink, path_rmdir, probe_path_rmdir, path_rename, probe_path_rename,
 * inode_create, probe_inode_create, inode_mknod, probe_inode_mknod, inode_mkdir,
 * probe_inode_mkdir, inode_symlink, probe_inode_symlink, inode_link, probe_inode_link,
 * inode_unlink, probe_inode_unlink, inode_rmdir, probe_inode_rmdir, inode_rename,
 * probe_inode_rename
 */
static void each_change_has_its_names(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;

	scene_play(scene, body_changes);
	need_changes(scene);
	assert_int_equal(scene->status, 0);
	check_change(scene, MF_EV_CREATE, in_dir("made"), FAN_CREATE);
	check_change(scene, MF_EV_CREATE, in_dir("dir"), FAN_CREATE | FAN_ONDIR);
	check_change(scene, MF_EV_CREATE, in_dir("symlink"), FAN_CREATE);
	event = check_change(scene, MF_EV_CREATE, in_dir("link"), FAN_CREATE);
	/* a notification has the new name alone */
	assert_string_equal(change_path2_of(event),
			    scene_engine() == MF_ENGINE_TRACE ? "" : in_dir("made"));
	check_change(scene, MF_EV_CREATE, in_dir("fifo"), FAN_CREATE);
	check_change(scene, MF_EV_DELETE, in_dir("link"), FAN_DELETE);
	check_change(scene, MF_EV_DELETE, in_dir("symlink"), FAN_DELETE);
	check_change(scene, MF_EV_DELETE, in_dir("gone"), FAN_DELETE | FAN_ONDIR);
	event = check_change(scene, MF_EV_RENAME, in_dir("made"), FAN_RENAME);
	assert_string_equal(change_path2_of(event), in_dir("dir/moved"));
	check_change(scene, MF_EV_ATTRIB, in_dir("dir/moved"), FAN_ATTRIB);
	check_change(scene, MF_EV_ATTRIB, in_dir("link"), FAN_ATTRIB);
	check_change(scene, MF_EV_ATTRIB, in_dir("dir"), FAN_ATTRIB | FAN_ONDIR);
}

static int body_refused(struct notes *notes)
{
	scene_act(notes);
	if (setresuid(65534, 65534, 65534))
		return 77;
	return !mkdir(in_dir("not-made"), 0700) || !unlink(in_dir("stays")) ||
	       !rename(in_dir("stays"), in_dir("moved"));
}

/* The directory is root's: what its permissions refuse has not been done. */
static void what_was_refused_is_not_told_as_done(void **state)
{
	struct scene *scene = *state;
	int fd = open(in_dir("stays"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
	scene_play(scene, body_refused);
	need_changes(scene);
	if (scene->status == 77 << 8)
		skip_because("setresuid()");
	assert_int_equal(scene->status, 0);
	assert_null(scene_path(scene, MF_EV_CREATE, in_dir("not-made")));
	assert_null(scene_path(scene, MF_EV_DELETE, in_dir("stays")));
	assert_null(scene_path(scene, MF_EV_RENAME, in_dir("stays")));
}

static int body_inside(struct notes *notes)
{
	int fd = open(in_dir("cut"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	scene_act(notes);
	return fd < 0 || ftruncate(fd, 100) || truncate(in_dir("cut"), 10) ||
	       utimensat(AT_FDCWD, in_dir("cut"), NULL, 0) ||
	       removexattr(in_dir("cut"), "user.x") != -1;
}

/* E20: without a new open */
static void e20_truncate_and_times_are_told(void **state)
{
	struct scene *scene = *state;

	if (scene_engine() == MF_ENGINE_TRACE)
		skip_because("an engine that sees truncate(): lsm or kprobe");
	scene_play(scene, body_inside);
	need_changes(scene);
	assert_int_equal(scene->status, 0);
	check_change(scene, MF_EV_TRUNCATE, in_dir("cut"), FAN_MODIFY);
	check_change(scene, MF_EV_ATTRIB, in_dir("cut"), FAN_ATTRIB);
	assert_int_equal(scene_count(scene, MF_EV_TRUNCATE, 0), 2);
}

static int body_exchange(struct notes *notes)
{
	scene_act(notes);
	return mkdir(in_dir("left"), 0700) || mkdir(in_dir("right"), 0700) ||
	       renameat2(AT_FDCWD, in_dir("left"), AT_FDCWD, in_dir("right"), RENAME_EXCHANGE);
}

static void an_exchange_is_two_renames(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;

	scene_play(scene, body_exchange);
	need_changes(scene);
	assert_int_equal(scene->status, 0);
	event = check_change(scene, MF_EV_RENAME, in_dir("left"), FAN_RENAME | FAN_ONDIR);
	assert_string_equal(change_path2_of(event), in_dir("right"));
	event = check_change(scene, MF_EV_RENAME, in_dir("right"), FAN_RENAME | FAN_ONDIR);
	assert_string_equal(change_path2_of(event), in_dir("left"));
}

static int body_dead(struct notes *notes)
{
	int pid = fork(), status, fd;

	if (!pid) {
		fd = open(in_dir("by-dead"), O_WRONLY | O_CREAT, 0600);
		close(fd);
		unlink(in_dir("by-dead"));
		_exit(0);
	}
	notes->value[0] = (uint64_t)pid;
	waitpid(pid, &status, 0);
	return status;
}

/* programs: change_who, change_gone */
static void a_change_by_a_process_that_is_dead_has_its_process(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;
	uint32_t pid;

	scene_play(scene, body_dead);
	need_changes(scene);
	pid = (uint32_t)scene->notes->value[0];
	event = scene_path(scene, MF_EV_DELETE, in_dir("by-dead"));
	assert_non_null(event);
	assert_int_equal(event->pid, pid);
	assert_int_equal(event->tid, pid);
	assert_int_equal(event->flags, flags_of(MF_EV_DELETE, 0));
	assert_int_equal(event->start_ns,
			 ((struct mf_ev_fork *)body_of(scene_fork_of(scene, pid)))->child_start_ns);
}

/* A child with this pid that ends at once */
static bool child_with_pid(pid_t pid)
{
	struct clone_args args = { .exit_signal = SIGCHLD,
				   .set_tid = (uintptr_t)&pid,
				   .set_tid_size = 1 };
	int status;
	pid_t got = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (!got)
		_exit(0);
	return got == pid && waitpid(got, &status, 0) == got;
}

static int body_tid_twice(struct notes *notes)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(mkdir(in_dir("by-first"), 0700));
	if (waitpid(pid, &status, 0) != pid)
		return 1;
	notes->value[0] = (uint64_t)pid;
	return child_with_pid(pid) ? 0 : 77;
}

/* E27: which of the two is not known, and that is what the event says */
static void e27_a_tid_that_two_dead_processes_had_is_neither_ones(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;

	need_engine(MF_ENGINE_TRACE);
	scene->deaf = true;
	scene_play(scene, body_tid_twice);
	scene->deaf = false;
	need_changes(scene);
	if (scene->status == 77 << 8)
		skip_because("a process with a chosen pid");
	assert_int_equal(scene->status, 0);
	event = scene_path(scene, MF_EV_CREATE, in_dir("by-first"));
	assert_non_null(event);
	assert_int_equal(event->flags, MF_EVF_LATE_SEEN | MF_EVF_PROC_UNKNOWN);
	assert_int_equal(event->pid, 0);
}

static int body_gone_dir(struct notes *notes)
{
	(void)notes;
	return mkdir(in_dir("short"), 0700) || mkdir(in_dir("short/lived"), 0700) ||
	       rmdir(in_dir("short/lived")) || rmdir(in_dir("short"));
}

static void a_change_in_a_directory_that_is_gone_keeps_its_name_and_says_so(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;

	need_engine(MF_ENGINE_TRACE);
	scene->deaf = true; /* so that it is gone when the queue is read */
	scene_play(scene, body_gone_dir);
	scene->deaf = false;
	need_changes(scene);
	assert_int_equal(scene->status, 0);
	event = scene_path(scene, MF_EV_CREATE, "lived");
	assert_non_null(event);
	assert_int_equal(((struct mf_ev_change *)body_of(event))->path_flags, MF_PATH_UNRESOLVED);
	assert_true(scene->counters.lost[MF_LOSS_PATH_FAULT] >= 1);
}

static int body_watched_dir(struct notes *notes)
{
	if (mkdir(in_dir("seen"), 0700) || mkdir(in_dir("seen/first"), 0700))
		return 1;
	while (!__atomic_load_n(&notes->value[0], __ATOMIC_ACQUIRE))
		usleep(1000);
	return rmdir(in_dir("seen/first")) || rmdir(in_dir("seen"));
}

static void let_go(struct scene *scene)
{
	scene_read(scene);
	if (scene_path(scene, MF_EV_CREATE, in_dir("seen/first")))
		__atomic_store_n(&scene->notes->value[0], 1, __ATOMIC_RELEASE);
}

static void a_directory_that_was_seen_before_keeps_its_path(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;

	scene->while_running = let_go;
	scene_play(scene, body_watched_dir);
	scene->while_running = NULL;
	need_changes(scene);
	assert_int_equal(scene->status, 0);
	event = scene_path(scene, MF_EV_DELETE, in_dir("seen/first"));
	assert_non_null(event);
	assert_int_equal(scene->counters.lost[MF_LOSS_PATH_FAULT], 0);
}

static int body_moving_stamp(struct notes *notes)
{
	int i;

	for (i = 1; i <= 5; i++) {
		char name[16];

		notes->page->stamp = MF_STAMP(i, i & 1);
		snprintf(name, sizeof(name), "at-%d", i);
		mkdir(in_dir(name), 0700);
	}
	notes->page->stamp = MF_STAMP(6, 0);
	return 0;
}

static void the_true_stamp_is_between_the_two(void **state)
{
	struct scene *scene = *state;
	int i;

	scene_play(scene, body_moving_stamp);
	need_changes(scene);
	for (i = 1; i <= 5; i++) {
		struct mf_event *event;
		char name[16];

		snprintf(name, sizeof(name), "at-%d", i);
		event = scene_path(scene, MF_EV_CREATE, in_dir(name));
		assert_non_null(event);
		assert_true(event->stamp_lo <= MF_STAMP(i, i & 1));
		assert_true(event->stamp >= MF_STAMP(i, i & 1));
	}
}

static int outsider(void)
{
	int pid = fork(), status;

	if (!pid) {
		mkdir(in_dir("outside"), 0700);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid ? 0 : -1;
}

static int body_idle(struct notes *notes)
{
	while (!__atomic_load_n(&notes->value[0], __ATOMIC_ACQUIRE))
		usleep(1000);
	return 0;
}

static void let_outsider(struct scene *scene)
{
	if (scene->notes->value[0])
		return;
	assert_int_equal(outsider(), 0);
	__atomic_store_n(&scene->notes->value[0], 1, __ATOMIC_RELEASE);
}

static void what_others_change_is_not_told(void **state)
{
	struct scene *scene = *state;
	struct mf_stats stats = {};

	scene->while_running = let_outsider;
	scene_play(scene, body_idle);
	scene->while_running = NULL;
	need_changes(scene);
	assert_null(scene_path(scene, MF_EV_CREATE, in_dir("outside")));
	assert_int_equal(scene->counters.lost[MF_LOSS_NOTIFY_TASK], 0);
	engine_stats(scene->engine, &stats);
	if (scene_engine() == MF_ENGINE_TRACE)
		assert_true(stats.notifications_untagged >= 1);
}

static int body_burst(struct notes *notes)
{
	char name[32];
	int i;

	(void)notes;
	for (i = 0; i < 17000; i++) {
		snprintf(name, sizeof(name), "burst/%d", i);
		if (mkdir(in_dir(name), 0700))
			return 1;
	}
	return 0;
}

/* The engine is not called while the child runs: F46 */
static void f46_an_overflow_is_recognised_and_charged(void **state)
{
	struct scene *scene = *state;
	struct mf_stats stats = {};

	need_engine(MF_ENGINE_TRACE);
	assert_int_equal(mkdir(in_dir("burst"), 0700), 0);
	scene->deaf = true; /* mkdir opens nothing: it does not wait for us */
	scene_play(scene, body_burst);
	scene->deaf = false;
	need_changes(scene);
	assert_int_equal(scene->status, 0);
	assert_true(scene->counters.lost[MF_LOSS_NOTIFY_OVERFLOW] >= 1);
	engine_stats(scene->engine, &stats);
	assert_true(stats.notify_overflows >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_change_has_its_names),
		cmocka_unit_test(what_was_refused_is_not_told_as_done),
		cmocka_unit_test(e20_truncate_and_times_are_told),
		cmocka_unit_test(an_exchange_is_two_renames),
		cmocka_unit_test(a_change_by_a_process_that_is_dead_has_its_process),
		cmocka_unit_test(e27_a_tid_that_two_dead_processes_had_is_neither_ones),
		cmocka_unit_test(a_change_in_a_directory_that_is_gone_keeps_its_name_and_says_so),
		cmocka_unit_test(a_directory_that_was_seen_before_keeps_its_path),
		cmocka_unit_test(the_true_stamp_is_between_the_two),
		cmocka_unit_test(what_others_change_is_not_told),
	};
	const struct CMUnitTest once[] = {
		cmocka_unit_test(f46_an_overflow_is_recognised_and_charged),
	};

	int failed = cmocka_run_group_tests_name("by-program", tests, scene_setup_dir,
						 scene_teardown_dir);

	failed += cmocka_run_group_tests_name("once", once, scene_setup_dir, scene_teardown_dir);

	if (scene_engine() != MF_ENGINE_TRACE)
		return failed;
	return failed + cmocka_run_group_tests_name("by-iterator", tests, scene_setup_dir_by_iter,
						    scene_teardown_dir);
}
