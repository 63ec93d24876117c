/* SPDX-License-Identifier: BSD-2-Clause */
/* Lineage: what is born in a session is the session's, whatever it does to get away. */
#include "scene.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int code_of(struct scene *scene, uint32_t pid)
{
	struct mf_event *event = scene_event(scene, MF_EV_EXIT, pid, 0);

	assert_non_null(event);
	assert_null(scene_event(scene, MF_EV_EXIT, pid, 1));
	return (int)((struct mf_ev_exit *)body_of(event))->code;
}

static struct mf_ev_fork *fork_body_of(struct scene *scene, uint32_t child, uint32_t parent)
{
	struct mf_event *event = scene_fork_of(scene, child);

	assert_non_null(event);
	if (parent)
		assert_int_equal(event->pid, parent);
	return body_of(event);
}

static int body_fork(struct notes *notes)
{
	int pid, status;

	prctl(PR_SET_NAME, "forker");
	notes->page->stamp = MF_STAMP(7, 0);
	pid = fork();
	if (!pid)
		_exit(3);
	notes->value[0] = (uint64_t)pid;
	waitpid(pid, &status, 0);
	return 5;
}

/* programs: task_newtask, sched_process_exit */
static void fork_and_exit_are_told(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_fork *born;
	struct mf_event *event;
	uint32_t child;

	scene_play(scene, body_fork);
	child = (uint32_t)scene->notes->value[0];
	event = scene_fork_of(scene, child);
	check_head(scene, event, (uint32_t)scene->pid, (uint32_t)scene->pid, "forker");
	assert_int_equal(event->size, sizeof(*event) + sizeof(*born));
	assert_int_equal(event->stamp, MF_STAMP(7, 0));
	assert_int_equal(event->stamp_lo, MF_STAMP(7, 0));
	assert_int_equal(event->birth, 0);
	assert_int_equal(event->flags, 0);
	born = body_of(event);
	assert_int_equal(born->child_birth, MF_STAMP(7, 0));
	assert_int_equal(born->clone_flags & CLONE_THREAD, 0);
	assert_int_equal(born->pad, 0);
	event = scene_event(scene, MF_EV_EXIT, child, 0);
	check_head(scene, event, child, child, "forker");
	assert_int_equal(event->size, sizeof(*event) + sizeof(struct mf_ev_exit));
	assert_int_equal(event->birth, MF_STAMP(7, 0));
	assert_int_equal(event->start_ns, born->child_start_ns);
	assert_int_equal(event->stamp, MF_STAMP(7, 0));
	assert_int_equal(event->stamp_lo, MF_STAMP(7, 0));
	assert_int_equal(event->flags, 0);
	assert_int_equal(code_of(scene, child), 3 << 8);
	assert_int_equal(((struct mf_ev_exit *)body_of(event))->pad, 0);
	event = scene_event(scene, MF_EV_EXIT, (uint32_t)scene->pid, 0);
	check_head(scene, event, (uint32_t)scene->pid, (uint32_t)scene->pid, "forker");
	assert_int_equal(code_of(scene, (uint32_t)scene->pid), 5 << 8);
	assert_int_equal(scene->counters.tasks, 0);
	assert_int_equal(scene->status, 5 << 8);
	assert_int_equal(scene->counters.events, scene->count);
}

/* How often programs of this name ran, all together, while somebody counts */
static uint64_t runs_of(const char *name)
{
	struct bpf_prog_info info;
	uint32_t id = 0, size;
	uint64_t runs = 0;
	int fd;

	while (!bpf_prog_get_next_id(id, &id)) {
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0)
			continue;
		info = (struct bpf_prog_info){};
		size = sizeof(info);
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) && !strcmp(info.name, name))
			runs += info.run_cnt;
		close(fd);
	}
	return runs;
}

#define CHILDREN 20

static int body_children(struct notes *notes)
{
	uint64_t before = runs_of("task_alloc");
	int i, status;

	notes->page->stamp = MF_STAMP(2, 1);
	for (i = 0; i < CHILDREN; i++) {
		int pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, &status, 0);
	}
	notes->value[0] = runs_of("task_alloc") - before;
	return 0;
}

/*
 * What it does can be seen only where no tag can be stored: then there is no child. That it is asked
 * about each one, with the tag that the fork tells, can be seen always.
 * programs: task_alloc
 */
static void every_child_is_tagged_before_it_can_run(void **state)
{
	struct scene *scene = *state;
	int counting = bpf_enable_stats(BPF_STATS_RUN_TIME);
	struct mf_event *event;
	size_t n;

	need_engine(MF_ENGINE_LSM);
	assert_true(counting >= 0);
	scene_play(scene, body_children);
	close(counting);
	assert_true(scene->notes->value[0] >= CHILDREN);
	for (n = 0; (event = scene_event(scene, MF_EV_FORK, 0, n)); n++)
		assert_int_equal(((struct mf_ev_fork *)body_of(event))->child_birth,
				 MF_STAMP(2, 1));
	assert_int_equal(n, CHILDREN);
	assert_int_equal(scene->counters.lost[MF_LOSS_FORK_REFUSED], 0);
	assert_int_equal(scene->counters.lost[MF_LOSS_TAG], 0);
}

/* value[0]: child born in a request, [1]: its child, born when that request is over */
static int body_births(struct notes *notes)
{
	int pid, status;

	notes->page->stamp = MF_STAMP(1, 1);
	pid = fork();
	if (!pid) {
		notes->page->stamp = MF_STAMP(2, 0);
		pid = fork();
		if (!pid)
			_exit(0);
		notes->value[1] = (uint64_t)pid;
		waitpid(pid, &status, 0);
		notes->page->stamp = MF_STAMP(3, 2);
		pid = fork();
		if (!pid)
			_exit(0);
		notes->value[2] = (uint64_t)pid;
		waitpid(pid, &status, 0);
		_exit(0);
	}
	notes->value[0] = (uint64_t)pid;
	waitpid(pid, &status, 0);
	return 0;
}

static void who_is_born_in_a_request_hands_it_down(void **state)
{
	struct scene *scene = *state;
	uint64_t *pid;

	scene_play(scene, body_births);
	pid = scene->notes->value;
	assert_int_equal(fork_body_of(scene, (uint32_t)pid[0], 0)->child_birth, MF_STAMP(1, 1));
	assert_int_equal(fork_body_of(scene, (uint32_t)pid[1], 0)->child_birth, MF_STAMP(1, 1));
	assert_int_equal(fork_body_of(scene, (uint32_t)pid[2], 0)->child_birth, MF_STAMP(1, 1));
	assert_int_equal(scene_fork_of(scene, (uint32_t)pid[2])->stamp, MF_STAMP(3, 2));
}

static void *nothing(void *data)
{
	return data;
}

static void *fork_in_thread(void *data)
{
	struct notes *notes = data;
	int pid = fork(), status;

	if (!pid)
		_exit(0);
	notes->value[0] = (uint64_t)pid;
	waitpid(pid, &status, 0);
	return NULL;
}

static int body_threads(struct notes *notes)
{
	pthread_t threads[20];
	int i;

	notes->page->stamp = MF_STAMP(1, 1);
	for (i = 0; i < 20; i++)
		pthread_create(&threads[i], NULL, i ? nothing : fork_in_thread, notes);
	for (i = 0; i < 20; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

/* F29 */
static void f29_threads_are_no_processes(void **state)
{
	struct scene *scene = *state;

	scene_play(scene, body_threads);
	assert_int_equal(scene_count(scene, MF_EV_FORK, 0), 1);
	assert_int_equal(fork_body_of(scene, (uint32_t)scene->notes->value[0], (uint32_t)scene->pid)
				 ->child_birth,
			 MF_STAMP(1, 1));
	assert_int_equal(scene_count(scene, MF_EV_EXIT, 0), 2);
	assert_int_equal(scene->counters.tasks, 0);
}

static void *exit_later(void *data)
{
	(void)data;
	usleep(20000);
	syscall(SYS_exit, 9); /* this thread alone */
	return NULL;
}

static int body_leader_first(struct notes *notes)
{
	pthread_t thread;
	int pid = fork(), status;

	if (!pid) {
		pthread_create(&thread, NULL, exit_later, NULL);
		syscall(SYS_exit, 4); /* the leader alone */
	}
	notes->value[0] = (uint64_t)pid;
	waitpid(pid, &status, 0);
	notes->value[1] = (uint64_t)status;
	return 0;
}

static void the_exit_is_the_last_threads_and_the_code_is_waits(void **state)
{
	struct scene *scene = *state;

	scene_play(scene, body_leader_first);
	assert_int_equal(code_of(scene, (uint32_t)scene->notes->value[0]), scene->notes->value[1]);
	assert_true(WIFEXITED((int)scene->notes->value[1]));
}

static int body_exit_race(struct notes *notes)
{
	int i, status;

	(void)notes;
	for (i = 0; i < 300; i++) {
		int pid = fork();

		if (!pid) {
			pthread_t threads[4];
			int k;

			for (k = 0; k < 4; k++)
				pthread_create(&threads[k], NULL, nothing, NULL);
			syscall(SYS_exit, 0);
		}
		waitpid(pid, &status, 0);
	}
	return 0;
}

static void threads_that_end_together_are_one_exit(void **state)
{
	struct scene *scene = *state;

	scene_play(scene, body_exit_race);
	assert_int_equal(scene_count(scene, MF_EV_FORK, 0), 300);
	assert_int_equal(scene_count(scene, MF_EV_EXIT, 0), 301);
	assert_int_equal(scene->counters.tasks, 0);
}

static int body_killed(struct notes *notes)
{
	int pid = fork(), status;

	if (!pid)
		pause();
	notes->value[0] = (uint64_t)pid;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return 0;
}

static void a_killed_process_has_its_signal(void **state)
{
	struct scene *scene = *state;

	scene_play(scene, body_killed);
	assert_int_equal(code_of(scene, (uint32_t)scene->notes->value[0]), SIGKILL);
}

static int body_storm(struct notes *notes)
{
	int i, status;

	(void)notes;
	for (i = 0; i < 3000; i++) {
		int pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, &status, 0);
	}
	return 0;
}

static void drain_ring(struct scene *scene)
{
	scene_read(scene);
}

/* E27: each of them is told, and nothing is counted that is not there */
static void e27_a_storm_of_children_leaves_nothing(void **state)
{
	struct scene *scene = *state;

	scene->while_running = drain_ring;
	scene_play(scene, body_storm);
	scene->while_running = NULL;
	assert_int_equal(
		scene_count(scene, MF_EV_FORK, 0) + scene->counters.lost[MF_LOSS_RING_FULL], 3000);
	assert_int_equal(scene->counters.tasks, 0);
}

static int body_no_room(struct notes *notes)
{
	int i;

	for (i = 0; i < 2000; i++) {
		int pid = fork();

		if (!pid)
			_exit(0);
		if (pid > 0)
			return 1;
		notes->value[0]++;
	}
	return 0;
}

static bool set_pids_max(const char *text)
{
	const char *dirs[] = { "/sys/fs/cgroup/pids", "/sys/fs/cgroup" };
	char path[128];
	size_t i;

	for (i = 0; i < 2; i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/mcpfloor-f35", dirs[i]);
		if (mkdir(path, 0755) && errno != EEXIST)
			continue;
		snprintf(path, sizeof(path), "%s/mcpfloor-f35/pids.max", dirs[i]);
		file = fopen(path, "we");
		if (!file)
			continue;
		fputs(text, file);
		fclose(file);
		snprintf(path, sizeof(path), "%s/mcpfloor-f35/cgroup.procs", dirs[i]);
		file = fopen(path, "we");
		if (!file)
			continue;
		fputs("0", file);
		return !fclose(file);
	}
	return false;
}

static int body_pids_max(struct notes *notes)
{
	if (!set_pids_max("1"))
		return 77;
	return body_no_room(notes);
}

/* F35 */
static void f35_forks_that_fail_leave_nothing(void **state)
{
	struct scene *scene = *state;

	scene_play(scene, body_pids_max);
	rmdir("/sys/fs/cgroup/pids/mcpfloor-f35");
	rmdir("/sys/fs/cgroup/mcpfloor-f35");
	if (scene->status == 77 << 8)
		skip_because("the pids controller");
	assert_int_equal(scene->status, 0);
	assert_int_equal(scene->notes->value[0], 2000);
	assert_int_equal(scene_count(scene, MF_EV_FORK, 0), 0);
	assert_int_equal(scene_count(scene, MF_EV_EXIT, 0), 1);
	assert_int_equal(scene->counters.tasks, 0);
	assert_int_equal(scene->counters.lost[MF_LOSS_TAG], 0);
}

static struct {
	int count;
	struct engine_task task[8];
} listed;

static void list_task(const struct engine_task *task, void *data)
{
	(void)data;
	if (listed.count < 8)
		listed.task[listed.count++] = *task;
}

static int body_leftover(struct notes *notes)
{
	notes->page->stamp = MF_STAMP(4, 1);
	prctl(PR_SET_NAME, "leftover");
	if (!fork()) {
		setsid();
		if (!fork()) {
			close(0);
			for (;;)
				pause();
		}
		_exit(0);
	}
	wait(NULL);
	return 0;
}

/* programs: session_tasks */
static void what_is_left_is_found_by_its_tag(void **state)
{
	struct scene *scene = *state;
	int status;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	scene->keep = true;
	scene_play(scene, body_leftover);
	scene->keep = false;
	listed.count = 0;
	assert_int_equal(engine_session_tasks(scene->engine, scene->id, list_task, NULL), 1);
	assert_int_equal(listed.count, 1);
	assert_int_equal(listed.task[0].birth, MF_STAMP(4, 1));
	assert_string_equal(listed.task[0].comm, "leftover");
	assert_int_equal(scene->counters.tasks, 1);
	kill((pid_t)listed.task[0].pid, SIGKILL);
	assert_int_equal(waitpid((pid_t)listed.task[0].pid, &status, 0), listed.task[0].pid);
	assert_int_equal(engine_session_tasks(scene->engine, scene->id, list_task, NULL), 0);
	engine_session_remove(scene->engine, scene->id);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork_and_exit_are_told),
		cmocka_unit_test(every_child_is_tagged_before_it_can_run),
		cmocka_unit_test(who_is_born_in_a_request_hands_it_down),
		cmocka_unit_test(f29_threads_are_no_processes),
		cmocka_unit_test(the_exit_is_the_last_threads_and_the_code_is_waits),
		cmocka_unit_test(threads_that_end_together_are_one_exit),
		cmocka_unit_test(a_killed_process_has_its_signal),
		cmocka_unit_test(e27_a_storm_of_children_leaves_nothing),
		cmocka_unit_test(f35_forks_that_fail_leave_nothing),
		cmocka_unit_test(what_is_left_is_found_by_its_tag),
	};

	return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
