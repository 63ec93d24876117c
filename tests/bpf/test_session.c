/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions: all or nothing, nothing left, others untouched; and what doctor says. */
#include "scene.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/engines.h"

static int fds_open(void)
{
	DIR *fds = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(fds))
		count++;
	closedir(fds);
	return count;
}

struct waiting {
	int pid;
	int pidfd;
};

/* A child in a mount namespace of its own that only waits, and holds nothing of ours: a hook whose
 * descriptor it had would stay attached. */
static struct waiting start_waiting(void)
{
	struct waiting child = {};
	int ready[2];
	char byte = 0;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	fflush(NULL);
	child.pid = fork();
	if (!child.pid) {
		if (dup2(ready[1], 3) != 3 || close_range(4, ~0U, 0) || unshare(CLONE_NEWNS) ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || write(3, &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	child.pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
	return child;
}

static void end_waiting(struct waiting *child)
{
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	close(child->pidfd);
}

static int add(struct engine *engine, const struct waiting *child, uint64_t id, pid_t pid,
	       struct engine_session_result *ret_result)
{
	struct engine_session wanted = {
		.id = id, .pidfd = child->pidfd, .pid = pid, .cgroup_fd = -1, .own_mntns = true
	};
	uint32_t detail;

	return engine_session_add(engine, &wanted, ret_result, &detail);
}

static void a_session_that_fails_leaves_nothing(void **state)
{
	struct scene *scene = *state;
	struct waiting child = start_waiting();
	struct engine_session_result result;
	int before = fds_open();

	assert_int_equal(add(scene->engine, &child, 5, getpid(), &result), -ESRCH);
	engine_settle(scene->engine);
	assert_int_equal(fds_open(), before);
	assert_int_equal(engine_session_stamp(scene->engine, 5), 0);
	/* and the process can still become a session */
	assert_int_equal(add(scene->engine, &child, 6, child.pid, &result), 0);
	close(result.page_fd);
	engine_session_remove(scene->engine, 6);
	engine_settle(scene->engine);
	assert_int_equal(fds_open(), before);
	end_waiting(&child);
}

static void a_dead_process_is_no_session(void **state)
{
	struct scene *scene = *state;
	struct waiting child = start_waiting();
	struct engine_session_result result;

	kill(child.pid, SIGKILL);
	waitpid(child.pid, NULL, 0);
	assert_true(add(scene->engine, &child, 5, child.pid, &result) < 0);
	close(child.pidfd);
	assert_true(strlen(engine_strerror(scene->engine)) > 0);
}

static void count_task(const struct engine_task *task, void *data)
{
	(void)task;
	(void)data;
}

static void a_process_is_in_one_session_only(void **state)
{
	struct scene *scene = *state;
	struct waiting child = start_waiting();
	struct engine_session_result result;

	assert_int_equal(add(scene->engine, &child, 5, child.pid, &result), 0);
	close(result.page_fd);
	assert_int_equal(add(scene->engine, &child, 5, child.pid, &result), -EEXIST);
	assert_int_equal(add(scene->engine, &child, 6, child.pid, &result), -EEXIST);
	assert_int_equal(engine_session_tasks(scene->engine, 5, count_task, NULL), 1);
	engine_session_remove(scene->engine, 5);
	end_waiting(&child);
}

static int body_nothing(struct notes *notes)
{
	(void)notes;
	return 0;
}

static void two_hundred_sessions_one_after_another_leave_nothing(void **state)
{
	struct scene *scene = *state;
	int before = fds_open(), i;

	for (i = 0; i < 200; i++) {
		scene_play(scene, body_nothing);
		assert_in_range(scene->session.slot, 0, 63); /* slots come round */
		assert_int_equal(scene->session.mounts_unmarked, 0);
	}
	engine_settle(scene->engine);
	assert_int_equal(fds_open(), before);
}

static void fifty_sessions_at_once_have_their_own_pages(void **state)
{
	struct scene *scene = *state;
	struct engine_session_result result[50];
	struct waiting child[50];
	bool taken[MF_SESSIONS_MAX] = { 0 };
	int before = fds_open(), i;

	for (i = 0; i < 50; i++) {
		child[i] = start_waiting();
		assert_int_equal(
			add(scene->engine, &child[i], 100 + (uint64_t)i, child[i].pid, &result[i]),
			0);
		assert_in_range(result[i].slot, 0, MF_SESSIONS_MAX - 1);
		assert_false(taken[result[i].slot]);
		taken[result[i].slot] = true;
		close(result[i].page_fd);
	}
	for (i = 0; i < 50; i += 2)
		engine_session_remove(scene->engine, 100 + (uint64_t)i);
	for (i = 0; i < 50; i++)
		end_waiting(&child[i]);
	for (i = 1; i < 50; i += 2) {
		struct mf_session_counters counters;

		assert_int_equal(
			engine_session_counters(scene->engine, 100 + (uint64_t)i, &counters), 0);
		assert_int_equal(counters.tasks, 0);
		engine_session_remove(scene->engine, 100 + (uint64_t)i);
	}
	engine_settle(scene->engine);
	assert_int_equal(fds_open(), before);
}

static int body_stamped(struct notes *notes)
{
	int status, pid;

	notes->page->stamp = MF_STAMP(7, 1);
	pid = fork();
	if (!pid)
		_exit(0);
	return waitpid(pid, &status, 0) == pid ? 0 : 1;
}

/* Whether the programs read the page that the session was given */
static void play_stamped(struct scene *scene, uint64_t id)
{
	scene->next_id = id;
	scene_play(scene, body_stamped);
	scene->next_id = 0;
	assert_int_equal(scene->status, 0);
	assert_int_equal(scene_event(scene, MF_EV_FORK, 0, 0)->stamp, MF_STAMP(7, 1));
}

static void an_expected_session_and_any_other_have_their_pages(void **state)
{
	struct scene *scene = *state;
	int before;

	scene_open(scene);
	before = fds_open();
	engine_expect(scene->engine, 77);
	play_stamped(scene, 77);
	engine_expect(scene->engine, 78);
	play_stamped(scene, 79); /* it was not the one */
	engine_expect(scene->engine, 80); /* and 78 never came */
	play_stamped(scene, 80);
	play_stamped(scene, 78);
	engine_settle(scene->engine);
	assert_int_equal(fds_open(), before);
}

static bool same_ns(int a, int b)
{
	char path[2][64], link[2][64] = {};

	snprintf(path[0], sizeof(path[0]), "/proc/%d/ns/mnt", a);
	snprintf(path[1], sizeof(path[1]), "/proc/%d/ns/mnt", b);
	return readlink(path[0], link[0], sizeof(link[0]) - 1) > 0 &&
	       readlink(path[1], link[1], sizeof(link[1]) - 1) > 0 && !strcmp(link[0], link[1]);
}

static void the_hosts_mounts_are_never_marked(void **state)
{
	struct scene *scene = *state;
	struct engine_session_result result;
	struct waiting child = {};
	int fd;

	child.pid = fork(); /* in our own mount namespace, and says that it is not */
	if (!child.pid) {
		for (;;)
			pause();
	}
	child.pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
	assert_int_equal(add(scene->engine, &child, 7, child.pid, &result), 0);
	assert_int_equal(result.mounts, 0);
	assert_int_equal(result.coverage & MF_COV_FILES, 0);
	fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC); /* would wait for us for ever */
	assert_true(fd >= 0);
	close(fd);
	close(result.page_fd);
	engine_session_remove(scene->engine, 7);
	end_waiting(&child);
}

/* A second session in the mount namespace of a first one that is marked already */
static void a_shared_mount_namespace_does_not_make_us_wait_for_ourselves(void **state)
{
	struct scene *scene = *state;
	struct waiting child = start_waiting(), second = {};
	struct engine_session_result result;
	char path[64];
	int ns;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", child.pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	second.pid = fork();
	if (!second.pid) {
		setns(ns, CLONE_NEWNS);
		for (;;)
			pause();
	}
	close(ns);
	second.pidfd = (int)syscall(SYS_pidfd_open, second.pid, 0);
	while (!same_ns(child.pid, second.pid))
		usleep(1000);
	assert_int_equal(add(scene->engine, &child, 8, child.pid, &result), 0);
	close(result.page_fd);
	assert_int_equal(add(scene->engine, &second, 9, second.pid, &result), 0);
	assert_true(result.coverage & MF_COV_CHANGES);
	close(result.page_fd);
	engine_session_remove(scene->engine, 9);
	engine_session_remove(scene->engine, 8);
	end_waiting(&second);
	end_waiting(&child);
}

static int body_flood(struct notes *notes)
{
	int i, status, pid;

	(void)notes;
	for (i = 0; i < 2000; i++)
		close(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
	for (i = 0; i < 5; i++) {
		pid = fork();
		if (!pid)
			_exit(0);
		waitpid(pid, &status, 0);
	}
	return 0;
}

/* E29: opens are held back before the ring is full, counted, and a fork still finds room */
static void e29_a_flood_of_opens_leaves_room_for_lineage(void **state)
{
	struct scene scene = { .ring_bytes = 1 << 16 };

	(void)state;
	scene_play(&scene, body_flood);
	if (!(scene.session.coverage & MF_COV_FILES)) {
		scene_end(&scene);
		skip_because("fanotify permission events");
	}
	assert_true(scene.counters.lost[MF_LOSS_RING_BULK] > 0);
	assert_int_equal(scene.counters.lost[MF_LOSS_RING_FULL], 0);
	assert_int_equal(scene_count(&scene, MF_EV_FORK, 0), 5);
	assert_int_equal(scene_count(&scene, MF_EV_EXIT, 0), 6);
	assert_true(scene_count(&scene, MF_EV_OPEN, 0) + scene.counters.lost[MF_LOSS_RING_BULK] >=
		    2000);
	assert_int_equal(scene.counters.events, scene.count);
	scene_end(&scene);
}

static void doctor_tries_every_hook(void **state)
{
	_cleanup_free_ struct engine_hook_report *rows = NULL;
	int count = engine_doctor(&rows), i;
	uint32_t kind;

	(void)state;
	assert_true(count > 10);
	for (i = 0; i < count; i++) {
		assert_true(engine_of_word(rows[i].engine, &kind) == 0 ||
			    !strcmp(rows[i].engine, "all"));
		assert_true(strlen(rows[i].hook) && strlen(rows[i].what) &&
			    strlen(rows[i].consequence));
		assert_non_null(rows[i].remedy);
		if (rows[i].required && rows[i].chosen)
			assert_int_equal(rows[i].error, 0);
	}
}

/* F39: BTF hidden behind an empty file system. In a child, for its mount namespace. */
static void f39_no_btf_is_told_as_no_btf(void **state)
{
	struct engine *engine = NULL;
	uint32_t detail = 0;
	int status, pid;

	(void)state;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("none", "/sys/kernel/btf", "tmpfs", 0, NULL))
			_exit(77);
		_exit(engine_open(NULL, &engine, &detail) != -ENOENT || detail != MF_D_NO_BTF ||
		      !strstr(engine_strerror(NULL), "no BTF"));
	}
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 77)
		skip_because("mount namespaces");
	assert_int_equal(status, 0);
}

/* F39: BTF that this libbpf cannot read */
static void f39_unreadable_btf_is_told_as_the_librarys(void **state)
{
	struct engine *engine = NULL;
	uint32_t detail = 0;
	int status, pid, fd;

	(void)state;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("none", "/sys/kernel/btf", "tmpfs", 0, NULL))
			_exit(77);
		fd = open("/sys/kernel/btf/vmlinux", O_WRONLY | O_CREAT, 0644);
		dprintf(fd, "BTF of a kind that is not known yet");
		_exit(engine_open(NULL, &engine, &detail) == 0 || detail != MF_D_LIBBPF ||
		      !strstr(engine_strerror(NULL), "libbpf"));
	}
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 77)
		skip_because("mount namespaces");
	assert_int_equal(status, 0);
}

/* Each test is about sessions that come and go alone. */
static int setup(void **state)
{
	if (scene_setup(state))
		return 1;
	if (*state)
		((struct scene *)*state)->stays = false;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_that_fails_leaves_nothing),
		cmocka_unit_test(a_dead_process_is_no_session),
		cmocka_unit_test(a_process_is_in_one_session_only),
		cmocka_unit_test(two_hundred_sessions_one_after_another_leave_nothing),
		cmocka_unit_test(fifty_sessions_at_once_have_their_own_pages),
		cmocka_unit_test(an_expected_session_and_any_other_have_their_pages),
		cmocka_unit_test(the_hosts_mounts_are_never_marked),
		cmocka_unit_test(a_shared_mount_namespace_does_not_make_us_wait_for_ourselves),
		cmocka_unit_test(e29_a_flood_of_opens_leaves_room_for_lineage),
		cmocka_unit_test(doctor_tries_every_hook),
		cmocka_unit_test(f39_no_btf_is_told_as_no_btf),
		cmocka_unit_test(f39_unreadable_btf_is_told_as_the_librarys),
	};

	return cmocka_run_group_tests(tests, setup, scene_teardown);
}
