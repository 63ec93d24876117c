/* SPDX-License-Identifier: BSD-2-Clause */
/* What is opened to be executed: programs, scripts, interpreters, by whatever name. */
#include "executing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

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

static int body_script(struct notes *notes)
{
	int fd;

	snprintf(notes->text[0], sizeof(notes->text[0]), "/tmp/mf-script-%d", getpid());
	fd = open(notes->text[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	dprintf(fd, "#!/bin/sh\nexit 4\n");
	close(fd);
	return run(notes, notes->text[0], ARGV("s", "a"));
}

/* F49 */
static void f49_a_script_is_an_open_for_exec_and_its_interpreter_an_exec(void **state)
{
	struct scene *scene = *state;
	struct mf_event *event;
	char real[PATH_MAX];
	uint32_t pid;

	scene_play(scene, body_script);
	unlink(scene->notes->text[0]);
	assert_int_equal(scene->status, 4 << 8);
	pid = (uint32_t)scene->notes->value[0];
	assert_non_null(realpath("/bin/sh", real));
	event = scene_event(scene, MF_EV_EXEC, pid, 0);
	assert_string_equal(exe_of(event), real);
	assert_non_null(scene_path(scene, MF_EV_OPEN_EXEC, scene->notes->text[0]));
	assert_non_null(scene_path(scene, MF_EV_OPEN_EXEC, real));
}

/* Of what is opened to be executed, every field: it is the caller still, under its name. */
static void check_open_exec(const struct scene *scene, const char *path)
{
	struct mf_event *event = scene_path(scene, MF_EV_OPEN_EXEC, path);
	uint32_t pid = (uint32_t)scene->notes->value[0];
	struct mf_ev_file *file;
	struct stat st;

	if (!event)
		fail_msg("%s is not opened to be executed", path);
	check_head(scene, event, pid, pid, "actor");
	assert_int_equal(event->stamp, SCENE_STAMP);
	assert_int_equal(event->stamp_lo, SCENE_STAMP);
	assert_int_equal(event->birth, SCENE_STAMP);
	assert_int_equal(event->flags, 0);
	file = body_of(event);
	assert_int_equal(event->size, sizeof(*event) + sizeof(*file) + file->path_len);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(file->dev, kernel_dev(st.st_dev));
	assert_int_equal(file->ino, st.st_ino);
	assert_int_equal(file->mode, st.st_mode);
	assert_int_equal(file->path_flags, 0);
	assert_int_equal(file->how, MF_OPEN_FLAGS_KNOWN);
	assert_int_equal(file->open_flags & O_ACCMODE, O_RDONLY);
}

static int body_script_in_act(struct notes *notes)
{
	scene_act(notes);
	return body_script(notes);
}

/* programs: file_open, probe_file_open, file_question, file_question_iter */
static void what_is_opened_to_be_executed_is_told_before_the_exec(void **state)
{
	struct scene *scene = *state;
	char real[PATH_MAX];

	scene_play(scene, body_script_in_act);
	need_files(scene);
	assert_int_equal(scene->status, 4 << 8);
	assert_non_null(realpath("/bin/sh", real));
	check_open_exec(scene, scene->notes->text[0]);
	check_open_exec(scene, real);
	unlink(scene->notes->text[0]);
}

static int execute(struct notes *notes, int way, int fd)
{
	char path[32];
	int pid = fork(), status;

	if (!pid) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (way == 0)
			execve(notes->text[0], ARGV("x"), none);
		else if (way == 1)
			syscall(SYS_execveat, fd, "", ARGV("x"), none, AT_EMPTY_PATH);
		else
			execve(path, ARGV("x"), none);
		_exit(127);
	}
	notes->value[way] = (uint64_t)pid;
	waitpid(pid, &status, 0);
	return status;
}

static int body_ways(struct notes *notes)
{
	int fd;

	snprintf(notes->text[0], sizeof(notes->text[0]), "/tmp/mf-way-%d", getpid());
	if (copy_true(notes->text[0]))
		return 92;
	fd = open(notes->text[0], O_RDONLY);
	return execute(notes, 0, fd) || execute(notes, 1, fd) || execute(notes, 2, fd);
}

/*
 * By its path, by a descriptor that was open long before, and by that one's name in /proc: each opens
 * the file anew, so that nothing is executed that no open has told.
 */
static void e13_every_way_to_execute_opens_the_file_for_it(void **state)
{
	struct scene *scene = *state;
	size_t way, n = 0, found[3] = {};
	struct mf_event *event;

	scene_play(scene, body_ways);
	need_files(scene);
	unlink(scene->notes->text[0]);
	assert_int_equal(scene->status, 0);
	while ((event = scene_event(scene, MF_EV_OPEN_EXEC, 0, n++))) {
		for (way = 0; way < 3; way++)
			found[way] += event->pid == scene->notes->value[way] &&
				      !strcmp(file_path_of(event), scene->notes->text[0]);
	}
	for (way = 0; way < 3; way++)
		assert_int_equal(found[way], 1);
}

static int body_noexec(struct notes *notes)
{
	int fd;

	snprintf(notes->text[0], sizeof(notes->text[0]), "/tmp/mf-plain-%d", getpid());
	fd = open(notes->text[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	dprintf(fd, "exit 4\n");
	close(fd);
	return run(notes, notes->text[0], ARGV("s"));
}

static void f49_a_file_that_is_no_program_is_no_exec(void **state)
{
	struct scene *scene = *state;

	scene_play(scene, body_noexec);
	unlink(scene->notes->text[0]);
	assert_int_equal(scene->status, 126 << 8);
	assert_int_equal(scene_count(scene, MF_EV_EXEC, 0), 0);
	assert_non_null(scene_path(scene, MF_EV_OPEN_EXEC, scene->notes->text[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(f49_a_script_is_an_open_for_exec_and_its_interpreter_an_exec),
		cmocka_unit_test(what_is_opened_to_be_executed_is_told_before_the_exec),
		cmocka_unit_test(e13_every_way_to_execute_opens_the_file_for_it),
		cmocka_unit_test(f49_a_file_that_is_no_program_is_no_exec),
	};

	return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
