/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each program costs this kernel's verifier: OBJECT… are loaded, nothing is attached. A line for
 * each program: its name, its section, instructions looked at, bytes of stack; "- -" where the kernel
 * refuses it.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAMS_MAX 256
#define LOG_BYTES (64 << 10)
#define LOG_STATS 4 /* BPF_LOG_STATS */

static struct {
	char name[64];
	char *log;
	bool refused;
} programs[PROGRAMS_MAX];
static size_t program_count;
static char blamed[64]; /* the last program that libbpf warned of */

__attribute__((format(printf, 2, 0))) static int listen_to(enum libbpf_print_level level,
							   const char *format, va_list args)
{
	char text[256], *at;

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), format, args);
	at = strstr(text, "prog '");
	if (at)
		sscanf(at, "prog '%63[^']'", blamed);
	return 0;
}

/* "processed N insns …" and "stack depth A+B" of a log: one for each function, as if each called the next */
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

		stack += depth;
		at = *end == '+' ? end + 1 : NULL;
	}
	*ret_stack = stack;
}

static bool hangs_on_a_trampoline(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);

	return !strncmp(section, "lsm/", 4) || !strncmp(section, "fentry/", 7);
}

static struct bpf_object *open_object(const char *path)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program;
	size_t i = 0;

	if (!object)
		return NULL;
	bpf_object__for_each_program(program, object)
	{
		if (i == PROGRAMS_MAX)
			break;
		snprintf(programs[i].name, sizeof(programs[i].name), "%s",
			 bpf_program__name(program));
		if (!programs[i].log)
			programs[i].log = malloc(LOG_BYTES);
		memset(programs[i].log, 0, LOG_BYTES);
		bpf_program__set_autoload(program, !programs[i].refused);
		bpf_program__set_log_level(program, LOG_STATS);
		bpf_program__set_log_buf(program, programs[i++].log, LOG_BYTES);
	}
	program_count = i;
	return object;
}

/* The one that libbpf blamed; with it all its like, where the kernel has no trampolines. */
static bool drop_blamed(struct bpf_object *object, bool all_alike)
{
	struct bpf_program *program, *first = bpf_object__find_program_by_name(object, blamed);
	bool dropped = false;
	size_t i = 0;

	bpf_object__for_each_program(program, object)
	{
		if (!programs[i].refused &&
		    (program == first || (all_alike && first && hangs_on_a_trampoline(first) &&
					  hangs_on_a_trampoline(program))))
			dropped = programs[i].refused = true;
		i++;
	}
	return dropped;
}

/* All that the kernel takes */
static struct bpf_object *load_object(const char *path)
{
	for (;;) {
		struct bpf_object *object = open_object(path);
		int error;

		if (!object)
			return NULL;
		blamed[0] = '\0';
		error = bpf_object__load(object);
		if (!error)
			return object;
		if (!drop_blamed(object, error == -EPERM)) {
			bpf_object__close(object);
			errno = -error;
			return NULL;
		}
		bpf_object__close(object);
	}
}

int main(int argc, char **argv)
{
	int i;

	libbpf_set_print(listen_to);
	for (i = 1; i < argc; i++) {
		struct bpf_program *program;
		struct bpf_object *object;
		size_t n = 0;

		memset(programs, 0, sizeof(programs));
		object = load_object(argv[i]);
		if (!object) {
			fprintf(stderr, "%s: %s %s\n", argv[i], strerror(errno), blamed);
			return 1;
		}
		bpf_object__for_each_program(program, object)
		{
			const char *section = bpf_program__section_name(program);
			long insns, stack;

			read_stats(programs[n].log, &insns, &stack);
			if (programs[n].refused)
				printf("%s %s - -\n", programs[n].name, section);
			else
				printf("%s %s %ld %ld\n", programs[n].name, section, insns, stack);
			free(programs[n++].log);
		}
		bpf_object__close(object);
	}
	return 0;
}
