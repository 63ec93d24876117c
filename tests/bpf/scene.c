/* SPDX-License-Identifier: BSD-2-Clause */
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/engines.h"
#include "engine/ring.h"

/* a guest emulates */
#define PLAY_NS_MAX ((getenv("MCPFLOOR_VM") ? 240 : 60) * NS_PER_S)

void skip_because(const char *reason)
{
	printf("# skip: %s\n", reason);
	skip();
}

static int find_cgroup2(char *ret_path, size_t size)
{
	_cleanup_file_ FILE *mounts = fopen("/proc/mounts", "re");
	char line[1024], point[512], type[64];

	while (mounts && fgets(line, sizeof(line), mounts)) {
		if (sscanf(line, "%*s %511s %63s", point, type) == 2 && !strcmp(type, "cgroup2")) {
			snprintf(ret_path, size, "%s", point);
			return 0;
		}
	}
	return -ENOENT;
}

static void make_cgroup(struct scene *scene)
{
	char root[512];

	scene->cgroup_fd = -1;
	if (find_cgroup2(root, sizeof(root)))
		return;
	snprintf(scene->cgroup, sizeof(scene->cgroup), "%.200s/mcpfloor-test-%d", root, getpid());
	if (mkdir(scene->cgroup, 0755) && errno != EEXIST)
		return;
	scene->cgroup_fd = open(scene->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void join_cgroup(const struct scene *scene, int pid)
{
	char path[300];
	int fd;

	if (scene->cgroup_fd < 0)
		return;
	snprintf(path, sizeof(path), "%s/cgroup.procs", scene->cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "%d\n", pid) > 0);
	close(fd);
}

enum mf_engine scene_engine(void)
{
	const char *word = getenv("MCPFLOOR_TEST_ENGINE");
	uint32_t kind = 0;

	if (word && engine_of_word(word, &kind))
		fail_msg("MCPFLOOR_TEST_ENGINE=%s is no engine", word);
	return kind ? (enum mf_engine)kind : engine_best();
}

void scene_open(struct scene *scene)
{
	struct engine_options options = { .kind = scene_engine(),
					  .ring_bytes = scene->ring_bytes,
					  .ask_by_iter = scene->ask_by_iter,
					  .syn_by_kprobe = scene->syn_by_kprobe,
					  .policies = scene->policy != NULL };
	uint32_t detail = 0;
	int error;

	if (!scene->engine) {
		error = engine_open(&options, &scene->engine, &detail);
		if (error)
			fail_msg("engine_open: %s (%d, detail %u)", engine_strerror(NULL), error,
				 detail);
	}
	if (!scene->notes) {
		scene->notes = mmap(NULL, sizeof(*scene->notes), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		assert_true(scene->notes != MAP_FAILED);
		make_cgroup(scene);
	}
	memset(scene->notes, 0, sizeof(*scene->notes));
}

static _Noreturn void play_child(struct scene *scene, int (*body)(struct notes *notes), int ready,
				 int go)
{
	char byte = 0;
	int page_fd, pid_fd;

	if (!scene->no_mntns &&
	    (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)))
		_exit(250);
	if (write(ready, &byte, 1) != 1 || read(go, &page_fd, sizeof(page_fd)) != sizeof(page_fd))
		_exit(251);
	/* the page's descriptor of the parent, which has the rights to give it */
	pid_fd = (int)syscall(SYS_pidfd_open, getppid(), 0);
	page_fd = (int)syscall(SYS_pidfd_getfd, pid_fd, page_fd, 0);
	scene->notes->page =
		mmap(NULL, MF_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, page_fd, 0);
	close(page_fd);
	close(pid_fd);
	close(ready);
	close(go);
	_exit(body(scene->notes));
}

/*
 * Another session that does nothing and lives as long as the scene. With the last session the hooks go,
 * which takes seconds where they hang on trampolines, and more in a guest.
 */
static void drop_anchor(struct scene *scene)
{
	struct engine_session wanted = { .id = 0x5e55a00000000000ULL, .cgroup_fd = -1 };
	struct engine_session_result result;
	_cleanup_fd_ int pidfd = -1;
	uint32_t detail;

	if (!scene->stays || scene->anchor)
		return;
	fflush(NULL);
	scene->anchor = fork();
	if (!scene->anchor) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	pidfd = (int)syscall(SYS_pidfd_open, scene->anchor, 0);
	wanted.pidfd = pidfd;
	wanted.pid = scene->anchor;
	assert_int_equal(engine_session_add(scene->engine, &wanted, &result, &detail), 0);
	close(result.page_fd);
}

static void weigh_anchor(struct scene *scene)
{
	if (!scene->anchor)
		return;
	kill(scene->anchor, SIGKILL);
	waitpid(scene->anchor, NULL, 0);
}

static void add_session(struct scene *scene, int pidfd)
{
	struct engine_session wanted = { .pidfd = pidfd,
					 .pid = scene->pid,
					 .cgroup_fd = scene->cgroup_fd,
					 .own_mntns = !scene->no_mntns,
					 .policy = scene->policy };
	uint32_t detail = 0;
	int error;

	if (!scene->id)
		scene->id = 0x5e55000000000000ULL + (uint64_t)scene->pid;
	wanted.id = scene->id;
	error = engine_session_add(scene->engine, &wanted, &scene->session, &detail);
	if (error)
		fail_msg("engine_session_add: %s (%d, detail %u)", engine_strerror(scene->engine),
			 error, detail);
}

/* Answers the engine until the child is dead. */
static void run_loop(struct scene *scene, int pidfd)
{
	uint64_t until = clock_mono_ns() + PLAY_NS_MAX;
	struct pollfd fds[2] = { { .fd = engine_fd(scene->engine), .events = POLLIN },
				 { .fd = pidfd, .events = POLLIN } };
	siginfo_t info = {};

	for (;;) {
		poll(scene->deaf ? fds + 1 : fds, scene->deaf ? 1 : 2,
		     scene->while_running ? 5 : 1000);
		if (!scene->deaf)
			assert_int_equal(engine_dispatch(scene->engine), 0);
		if (scene->while_running)
			scene->while_running(scene);
		if (fds[1].revents)
			break;
		if (clock_mono_ns() > until) {
			kill(scene->pid, SIGKILL);
			fail_msg("the child did not end");
		}
	}
	assert_int_equal(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), 0);
	scene->status = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
}

static void keep_event(const void *record, size_t size, void *data)
{
	struct scene *scene = data;
	const struct mf_event *event = record;

	assert_true(size >= sizeof(*event));
	assert_in_range(event->size, sizeof(*event), size); /* there may be room behind it */
	assert_int_equal(event->version, MF_ABI_VERSION);
	scene->events = reallocarray(scene->events, scene->count + 1, sizeof(*scene->events));
	assert_non_null(scene->events);
	scene->events[scene->count] = malloc(size);
	assert_non_null(scene->events[scene->count]);
	memcpy(scene->events[scene->count++], record, size);
}

void scene_read(struct scene *scene)
{
	struct ring *ring;

	assert_int_equal(
		ring_open(engine_ring_fd(scene->engine), engine_ring_bytes(scene->engine), &ring),
		0);
	while (ring_read(ring, 1024, keep_event, scene))
		;
	ring_close(ring);
}

static void forget_events(struct scene *scene)
{
	while (scene->count)
		free(scene->events[--scene->count]);
	free(scene->events);
	scene->events = NULL;
}

void scene_play(struct scene *scene, int (*body)(struct notes *notes))
{
	int ready[2], go[2], pidfd;
	char byte;

	scene_open(scene);
	drop_anchor(scene);
	forget_events(scene);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	fflush(NULL);
	engine_settle(scene->engine);
	scene->id = scene->next_id;
	scene->pid = fork();
	if (!scene->pid)
		play_child(scene, body, ready[1], go[0]);
	pidfd = (int)syscall(SYS_pidfd_open, scene->pid, 0);
	assert_true(pidfd >= 0);
	close(ready[1]);
	close(go[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	join_cgroup(scene, scene->pid);
	add_session(scene, pidfd);
	assert_int_equal(write(go[1], &scene->session.page_fd, sizeof(int)), sizeof(int));
	close(ready[0]);
	close(go[1]);
	run_loop(scene, pidfd);
	close(pidfd);
	close(scene->session.page_fd);
	if (scene->before_drain)
		scene->before_drain(scene);
	assert_int_equal(engine_drain(scene->engine), 0);
	scene_read(scene);
	assert_int_equal(engine_session_counters(scene->engine, scene->id, &scene->counters), 0);
	if (!scene->keep)
		engine_session_remove(scene->engine, scene->id);
}

void scene_end(struct scene *scene)
{
	forget_events(scene);
	weigh_anchor(scene);
	engine_close(scene->engine);
	if (scene->notes)
		munmap(scene->notes, sizeof(*scene->notes));
	close_fd(scene->cgroup_fd);
	rmdir(scene->cgroup);
	memset(scene, 0, sizeof(*scene));
}

int scene_setup(void **state)
{
	struct scene *scene;

	if (geteuid()) {
		printf("# skip: not root\n");
		return 0;
	}
	scene = calloc(1, sizeof(*scene));
	scene->stays = scene_engine() != MF_ENGINE_TRACE;
	scene_open(scene);
	*state = scene;
	return 0;
}

int scene_teardown(void **state)
{
	scene_end(*state);
	free(*state);
	return 0;
}

#define DIR_TEMPLATE "/tmp/mf-scene-XXXXXX"

char scene_dir[] = DIR_TEMPLATE;

static int make_dir(void)
{
	memcpy(scene_dir, DIR_TEMPLATE, sizeof(DIR_TEMPLATE));
	return !mkdtemp(scene_dir);
}

int scene_setup_dir(void **state)
{
	return scene_setup(state) || make_dir();
}

int scene_setup_dir_by_iter(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	scene->ask_by_iter = true;
	scene_open(scene);
	*state = scene;
	return make_dir();
}

int scene_teardown_dir(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf '%s'", scene_dir);
	return scene_teardown(state) || system(command);
}

const char *in_dir(const char *name)
{
	static char path[4][600];
	static int next;
	char *to = path[next++ & 3];

	snprintf(to, sizeof(path[0]), "%s/%s", scene_dir, name);
	return to;
}

void need_engine(enum mf_engine kind)
{
	char reason[64];

	if (scene_engine() == kind)
		return;
	snprintf(reason, sizeof(reason), "the engine %s", engine_word(kind));
	skip_because(reason);
}

void need_files(const struct scene *scene)
{
	if (!(scene->session.coverage & MF_COV_FILES))
		skip_because("fanotify permission events");
}

struct mf_event *scene_event(const struct scene *scene, uint16_t kind, uint32_t pid, size_t n)
{
	size_t i;

	for (i = 0; i < scene->count; i++) {
		struct mf_event *event = scene->events[i];

		if (event->kind == kind && (!pid || event->pid == pid) && !n--)
			return event;
	}
	return NULL;
}

size_t scene_count(const struct scene *scene, uint16_t kind, uint32_t pid)
{
	size_t n = 0;

	while (scene_event(scene, kind, pid, n))
		n++;
	return n;
}

struct mf_event *scene_fork_of(const struct scene *scene, uint32_t child_pid)
{
	struct mf_event *event;
	size_t n = 0;

	while ((event = scene_event(scene, MF_EV_FORK, 0, n++))) {
		if (((struct mf_ev_fork *)body_of(event))->child_pid == child_pid)
			return event;
	}
	return NULL;
}

struct mf_event *scene_path(const struct scene *scene, uint16_t kind, const char *path)
{
	struct mf_event *event;
	size_t n = 0;

	while ((event = scene_event(scene, kind, 0, n++))) {
		const char *have = kind == MF_EV_OPEN || kind == MF_EV_OPEN_EXEC
					   ? file_path_of(event)
					   : change_path_of(event);

		if (!strcmp(have, path))
			return event;
	}
	return NULL;
}

const char *text_at(const void *from, size_t len)
{
	static char buffers[4][2 * MF_PATH_MAX + 1];
	static int next;
	char *buffer = buffers[next++ & 3];

	assert_true(len <= 2 * MF_PATH_MAX);
	memcpy(buffer, from, len);
	buffer[len] = '\0';
	return buffer;
}

const char *file_path_of(struct mf_event *event)
{
	const struct mf_ev_file *file = body_of(event);

	return text_at(file + 1, file->path_len);
}

const char *exe_of(struct mf_event *event)
{
	const struct mf_ev_exec *exec = body_of(event);

	return text_at(exec + 1, exec->exe_len);
}

const char *change_path_of(struct mf_event *event)
{
	const struct mf_ev_change *change = body_of(event);

	return text_at(change + 1, change->path_len);
}

const char *change_path2_of(struct mf_event *event)
{
	const struct mf_ev_change *change = body_of(event);

	return text_at((const char *)(change + 1) + change->path_len, change->path2_len);
}

void check_head(const struct scene *scene, const struct mf_event *event, uint32_t pid, uint32_t tid,
		const char *comm)
{
	assert_non_null(event);
	assert_int_equal(event->session, scene->id);
	assert_int_equal(event->pid, pid);
	assert_int_equal(event->tid, tid);
	assert_int_equal(event->uid, 0);
	assert_string_equal(text_at(event->comm, strnlen(event->comm, sizeof(event->comm))), comm);
	assert_true(event->t_ns <= clock_mono_ns());
	assert_true(event->t_ns + PLAY_NS_MAX > clock_mono_ns());
	if (pid == (uint32_t)scene->pid)
		assert_int_equal(event->start_ns, scene->session.root_start_ns);
	else
		assert_true(event->start_ns > scene->session.root_start_ns);
}
