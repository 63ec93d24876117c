/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * F38: what each program costs the verifier, on this kernel, for the objects of the oldest and the
 * newest clang: at most 10 % of the instructions that it will look at, and 400 bytes of stack.
 * Arguments: name and path of each object.
 */
#include "scene.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INSNS_MAX 100000
#define STACK_MAX 400
#define PROGRAMS_MAX 128
#define LOG_BYTES (64 << 10)
#define LOG_STATS 4 /* BPF_LOG_STATS */

static char **objects;
static int object_count;

/* "processed N insns …" and "stack depth A+B" (one for each function) of a log */
static void read_stats(const char *log, long *ret_insns, long *ret_stack)
{
	const char *at = strstr(log, "processed ");
	long stack = 0;

	*ret_insns = at ? strtol(at + strlen("processed "), NULL, 10) : -1;
	at = strstr(log, "stack depth ");
	at = at ? at + strlen("stack depth ") : NULL;
	while (at && *at >= '0' && *at <= '9') {
		char *end;
		long depth = strtol(at, &end, 10);

		stack = depth > stack ? depth : stack;
		at = *end == '+' ? end + 1 : NULL;
	}
	*ret_stack = stack;
}

static int say_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* Whether this kernel takes programs that hang on trampolines at all */
static bool loads_here(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);

	return engine_best() == MF_ENGINE_LSM ||
	       (strncmp(section, "lsm/", 4) != 0 && strncmp(section, "fentry/", 7) != 0);
}

static void check_object(const char *name, const char *path)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program;
	char *logs[PROGRAMS_MAX] = {};
	size_t i = 0;

	assert_non_null(object);
	bpf_object__for_each_program(program, object)
	{
		if (!loads_here(program)) {
			bpf_program__set_autoload(program, false);
			continue;
		}
		assert_true(i < PROGRAMS_MAX);
		logs[i] = calloc(1, LOG_BYTES);
		assert_non_null(logs[i]);
		bpf_program__set_log_level(program, LOG_STATS);
		bpf_program__set_log_buf(program, logs[i++], LOG_BYTES);
	}
	assert_int_equal(bpf_object__load(object), 0);
	i = 0;
	bpf_object__for_each_program(program, object)
	{
		long insns, stack;

		if (!bpf_program__autoload(program)) {
			printf("# %s %-20s not loadable on this kernel\n", name,
			       bpf_program__name(program));
			continue;
		}
		read_stats(logs[i], &insns, &stack);
		free(logs[i++]);
		printf("# %s %-20s %6ld instructions %4ld bytes of stack\n", name,
		       bpf_program__name(program), insns, stack);
		assert_in_range(insns, 1, INSNS_MAX);
		assert_in_range(stack, 0, STACK_MAX);
	}
	bpf_object__close(object);
}

static void f38_each_program_is_within_its_budget(void **state)
{
	int i;

	(void)state;
	if (geteuid())
		skip_because("not root");
	libbpf_set_print(say_nothing);
	for (i = 0; i + 1 < object_count; i += 2)
		check_object(objects[i], objects[i + 1]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(
		f38_each_program_is_within_its_budget) };

	objects = argv + 1;
	object_count = argc - 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
