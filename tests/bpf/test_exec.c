/* SPDX-License-Identifier: BSD-2-Clause */
/* Exec: the kernel's own file, the arguments, the process that executes. */
#include "executing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static int body_exec(struct notes *notes)
{
	notes->page->stamp = MF_STAMP(3, 1);
	return run(notes, "/bin/true", ARGV("sshd", "-x", "two words"));
}

/* programs: sched_process_exec */
static void the_file_and_the_arguments_are_told(void **state)
{
	static const char argv[] = "sshd\0-x\0two words";
	struct scene *scene = *state;
	struct mf_ev_exec *exec;
	struct mf_event *event;
	char real[PATH_MAX];
	struct stat st;
	uint32_t pid;

	scene_play(scene, body_exec);
	assert_int_equal(scene->status, 0);
	pid = (uint32_t)scene->notes->value[0];
	assert_non_null(realpath("/bin/true", real));
	assert_int_equal(stat(real, &st), 0);
	event = scene_event(scene, MF_EV_EXEC, pid, 0);
	check_head(scene, event, pid, pid, "true");
	assert_int_equal(event->stamp, MF_STAMP(3, 1));
	assert_int_equal(event->stamp_lo, MF_STAMP(3, 1));
	assert_int_equal(event->birth, MF_STAMP(3, 1));
	assert_int_equal(event->flags, 0);
	exec = body_of(event);
	assert_int_equal(event->size,
			 sizeof(*event) + sizeof(*exec) + exec->exe_len + exec->argv_len);
	assert_string_equal(exe_of(event), real);
	assert_int_equal(exec->path_flags, 0);
	assert_int_equal(exec->dev, kernel_dev(st.st_dev));
	assert_int_equal(exec->ino, st.st_ino);
	assert_int_equal(exec->ppid, scene->pid);
	assert_int_equal(exec->argv_total, sizeof(argv));
	assert_int_equal(exec->argv_len, sizeof(argv));
	assert_memory_equal((char *)(exec + 1) + exec->exe_len, argv, sizeof(argv));
	assert_null(scene_event(scene, MF_EV_EXEC, pid, 1));
}

static int body_long_argv(struct notes *notes)
{
	static char words[2000][61];
	char *argv[2001] = {};
	int i;

	for (i = 0; i < 2000; i++) {
		snprintf(words[i], sizeof(words[i]), "%04d", i);
		memset(words[i] + 4, 'a' + i % 26, 56);
		argv[i] = words[i];
	}
	return run(notes, "/bin/true", argv);
}

/* F83 */
static void f83_two_thousand_arguments_are_cut_and_their_length_told(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_exec *exec;
	struct mf_event *event;
	const char *argv;
	int i;

	scene_play(scene, body_long_argv);
	event = scene_event(scene, MF_EV_EXEC, (uint32_t)scene->notes->value[0], 0);
	assert_non_null(event);
	exec = body_of(event);
	assert_int_equal(exec->argv_total, 2000 * 61);
	assert_int_equal(exec->argv_len, MF_ARGV_MAX);
	argv = (char *)(exec + 1) + exec->exe_len;
	for (i = 0; i < MF_ARGV_MAX / 61; i++) {
		assert_int_equal(atoi(text_at(argv + i * 61, 4)), i);
		assert_int_equal(argv[i * 61 + 59], 'a' + i % 26);
		assert_int_equal(argv[i * 61 + 60], 0);
	}
}

static int body_one_long_argument(struct notes *notes)
{
	static char word[4096];

	memset(word, 'w', 4095);
	return run(notes, "/bin/true", ARGV(word));
}

static void f83_an_argument_of_4095_bytes_is_whole(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_exec *exec;
	struct mf_event *event;

	scene_play(scene, body_one_long_argument);
	event = scene_event(scene, MF_EV_EXEC, (uint32_t)scene->notes->value[0], 0);
	exec = body_of(event);
	assert_int_equal(exec->argv_total, 4096);
	assert_int_equal(exec->argv_len, 4096);
	assert_int_equal(strlen(text_at((char *)(exec + 1) + exec->exe_len, 4096)), 4095);
}

static int body_argc_0(struct notes *notes)
{
	return run(notes, "/bin/true", none);
}

static void f83_no_arguments_at_all(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_exec *exec;
	struct mf_event *event;

	scene_play(scene, body_argc_0);
	event = scene_event(scene, MF_EV_EXEC, (uint32_t)scene->notes->value[0], 0);
	exec = body_of(event);
	assert_true(exec->argv_total <= 1); /* since 5.18 the kernel adds an empty one */
	assert_int_equal(exec->argv_len, exec->argv_total);
}

/* Makes and enters `depth` directories of `len` bytes each. */
static void descend(int depth, int len)
{
	char name[256];

	memset(name, 'd', sizeof(name));
	name[len] = '\0';
	while (depth--) {
		mkdir(name, 0755);
		if (chdir(name))
			_exit(90);
	}
}

static int copy_true(const char *to)
{
	int in = open("/bin/true", O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	char bytes[65536];
	ssize_t size;

	while ((size = read(in, bytes, sizeof(bytes))) > 0) {
		if (write(out, bytes, (size_t)size) != size)
			return -1;
	}
	close(out);
	close(in);
	return 0;
}

static void clean(const char *dir)
{
	char command[600];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
}

static int body_long_cwd(struct notes *notes)
{
	snprintf(notes->text[0], sizeof(notes->text[0]), "/tmp/mf-cwd-XXXXXX");
	if (!mkdtemp(notes->text[0]) || chdir(notes->text[0]))
		return 91;
	descend(16, 249);
	if (copy_true("prog"))
		return 92;
	return run(notes, "./prog", ARGV("./prog"));
}

static void f83_a_relative_program_in_a_cwd_of_4000_bytes(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_exec *exec;
	struct mf_event *event;
	const char *exe;

	scene_play(scene, body_long_cwd);
	clean(scene->notes->text[0]);
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, MF_EV_EXEC, (uint32_t)scene->notes->value[0], 0);
	exec = body_of(event);
	exe = exe_of(event);
	assert_int_equal(exec->path_flags, 0);
	assert_int_equal(exec->exe_len, strlen(scene->notes->text[0]) + 16 * 250 + 5);
	assert_int_equal(strncmp(exe, scene->notes->text[0], strlen(scene->notes->text[0])), 0);
	assert_string_equal(exe + strlen(exe) - 5, "/prog");
	assert_int_equal(scene->counters.lost[MF_LOSS_PATH_CUT], 0);
}

static int body_deep(struct notes *notes)
{
	snprintf(notes->text[0], sizeof(notes->text[0]), "/tmp/mf-deep-XXXXXX");
	if (!mkdtemp(notes->text[0]) || chdir(notes->text[0]))
		return 91;
	descend(197, 2);
	if (copy_true("prog"))
		return 92;
	return run(notes, "./prog", ARGV("./prog"));
}

static void a_path_of_200_components_is_whole(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_exec *exec;
	struct mf_event *event;

	scene_play(scene, body_deep);
	clean(scene->notes->text[0]);
	event = scene_event(scene, MF_EV_EXEC, (uint32_t)scene->notes->value[0], 0);
	exec = body_of(event);
	assert_int_equal(exec->path_flags, 0);
	assert_int_equal(exec->exe_len, strlen(scene->notes->text[0]) + 197 * 3 + 5);
}

static int body_too_long(struct notes *notes)
{
	snprintf(notes->text[0], sizeof(notes->text[0]), "/tmp/mf-long-XXXXXX");
	if (!mkdtemp(notes->text[0]) || chdir(notes->text[0]))
		return 91;
	descend(20, 249);
	if (copy_true("prog"))
		return 92;
	return run(notes, "./prog", ARGV("./prog"));
}

/* E25 */
static void e25_a_path_that_is_too_long_is_a_suffix_and_says_so(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_exec *exec;
	struct mf_event *event;
	const char *exe;

	scene_play(scene, body_too_long);
	clean(scene->notes->text[0]);
	event = scene_event(scene, MF_EV_EXEC, (uint32_t)scene->notes->value[0], 0);
	exec = body_of(event);
	exe = exe_of(event);
	assert_int_equal(exec->path_flags, MF_PATH_CUT);
	assert_int_equal(exec->exe_len, 5 + 16 * 250);
	assert_string_equal(exe + strlen(exe) - 8, "ddd/prog");
	assert_true(scene->counters.lost[MF_LOSS_PATH_CUT] > 0);
}

static int body_memfd(struct notes *notes)
{
	int in = open("/bin/true", O_RDONLY | O_CLOEXEC), pid, status;
	int fd = memfd_create("innocent", 0);
	char bytes[65536];
	ssize_t size;

	while ((size = read(in, bytes, sizeof(bytes))) > 0) {
		if (write(fd, bytes, (size_t)size) != size)
			return 92;
	}
	pid = fork();
	if (!pid) {
		fexecve(fd, ARGV("x"), none);
		_exit(127);
	}
	notes->value[0] = (uint64_t)pid;
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void a_memfd_is_told_to_be_no_path(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_exec *exec;
	struct mf_event *event;

	scene_play(scene, body_memfd);
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, MF_EV_EXEC, (uint32_t)scene->notes->value[0], 0);
	exec = body_of(event);
	assert_int_equal(exec->path_flags, MF_PATH_ANON);
	assert_string_equal(exe_of(event), "/memfd:innocent");
}

static int body_deleted(struct notes *notes)
{
	int fd, pid, status;

	snprintf(notes->text[0], sizeof(notes->text[0]), "/tmp/mf-del-%d", getpid());
	if (copy_true(notes->text[0]))
		return 92;
	fd = open(notes->text[0], O_RDONLY);
	unlink(notes->text[0]);
	pid = fork();
	if (!pid) {
		fexecve(fd, ARGV("x"), none);
		_exit(127);
	}
	notes->value[0] = (uint64_t)pid;
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void a_deleted_program_is_told_with_the_name_it_had(void **state)
{
	struct scene *scene = *state;
	struct mf_ev_exec *exec;
	struct mf_event *event;

	scene_play(scene, body_deleted);
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, MF_EV_EXEC, (uint32_t)scene->notes->value[0], 0);
	exec = body_of(event);
	assert_int_equal(exec->path_flags, MF_PATH_DELETED);
	assert_string_equal(exe_of(event), scene->notes->text[0]);
}

static void *exec_thread(void *data)
{
	((struct notes *)data)->value[1] = (uint64_t)gettid();
	execve("/bin/true", ARGV("true"), none);
	_exit(127);
}

static int body_thread_exec(struct notes *notes)
{
	pthread_t thread;
	int pid = fork(), status;

	if (!pid) {
		pthread_create(&thread, NULL, exec_thread, notes);
		pthread_join(thread, NULL);
		_exit(1);
	}
	notes->value[0] = (uint64_t)pid;
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void a_thread_that_executes_is_its_process(void **state)
{
	struct scene *scene = *state;
	struct mf_event *fork_event, *event;
	uint32_t pid;

	scene_play(scene, body_thread_exec);
	assert_int_equal(scene->status, 0);
	pid = (uint32_t)scene->notes->value[0];
	assert_true(scene->notes->value[1] != pid);
	fork_event = scene_fork_of(scene, pid);
	event = scene_event(scene, MF_EV_EXEC, pid, 0);
	check_head(scene, event, pid, pid, "true");
	assert_int_equal(event->start_ns,
			 ((struct mf_ev_fork *)body_of(fork_event))->child_start_ns);
	assert_int_equal(scene_count(scene, MF_EV_EXIT, pid), 1);
	event = scene_event(scene, MF_EV_EXIT, pid, 0);
	assert_int_equal(((struct mf_ev_exit *)body_of(event))->code, 0);
	assert_int_equal(scene->counters.tasks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_and_the_arguments_are_told),
		cmocka_unit_test(f83_two_thousand_arguments_are_cut_and_their_length_told),
		cmocka_unit_test(f83_an_argument_of_4095_bytes_is_whole),
		cmocka_unit_test(f83_no_arguments_at_all),
		cmocka_unit_test(f83_a_relative_program_in_a_cwd_of_4000_bytes),
		cmocka_unit_test(a_path_of_200_components_is_whole),
		cmocka_unit_test(e25_a_path_that_is_too_long_is_a_suffix_and_says_so),
		cmocka_unit_test(a_memfd_is_told_to_be_no_path),
		cmocka_unit_test(a_deleted_program_is_told_with_the_name_it_had),
		cmocka_unit_test(a_thread_that_executes_is_its_process),
	};

	return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
