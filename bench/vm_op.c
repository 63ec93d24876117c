/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vm_op IN OUT: for each line "operation rounds times" in IN, does the operation and writes what
 * each round took, in ns, as one line into OUT; the first round, which warms up, is left out. Ends
 * with IN. System calls are made without the C library, and every file is in the working directory,
 * which is to be in memory.
 */

#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define FILE_NAME "file"
#define NEW_NAME "new"
#define PROGRAM "./vm_nothing"
#define ROUNDS_MAX 64

static long zero_fd;

static inline long call(long number, long a, long b, long c, long d)
{
	register long r10 asm("r10") = d;
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
		     : "rcx", "r11", "memory");
	return result;
}

static void do_getppid(void)
{
	call(SYS_getppid, 0, 0, 0, 0);
}

static void do_stat(void)
{
	struct stat status;

	if (call(SYS_newfstatat, AT_FDCWD, (long)FILE_NAME, (long)&status, 0))
		errx(1, "stat");
}

static void do_read(void)
{
	char byte;

	if (call(SYS_pread64, zero_fd, (long)&byte, 1, 0) != 1)
		errx(1, "read");
}

static void do_open(void)
{
	long fd = call(SYS_openat, AT_FDCWD, (long)FILE_NAME, O_RDONLY, 0);

	if (fd < 0)
		errx(1, "open");
	call(SYS_close, fd, 0, 0, 0);
}

static void do_create(void)
{
	long fd = call(SYS_openat, AT_FDCWD, (long)NEW_NAME, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd < 0)
		errx(1, "create");
	call(SYS_close, fd, 0, 0, 0);
	if (call(SYS_unlink, (long)NEW_NAME, 0, 0, 0))
		errx(1, "unlink");
}

/* port 1 of the loopback: nothing listens there */
static void do_connect(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(1),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	long sock = call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0);

	if (sock < 0 || !call(SYS_connect, sock, (long)&address, sizeof(address), 0))
		errx(1, "connect");
	call(SYS_close, sock, 0, 0, 0);
}

static void wait_for(long pid)
{
	int status = -1;

	if (pid < 0 || call(SYS_wait4, pid, (long)&status, 0, 0) != pid || status)
		errx(1, "a child");
}

static void do_fork(void)
{
	long pid = call(SYS_clone, SIGCHLD, 0, 0, 0);

	if (!pid)
		call(SYS_exit_group, 0, 0, 0, 0);
	wait_for(pid);
}

static void do_exec(void)
{
	static const char *const argv[] = { PROGRAM, NULL };
	pid_t pid = vfork();

	if (!pid) {
		call(SYS_execve, (long)argv[0], (long)argv, (long)(argv + 1), 0);
		call(SYS_exit_group, 1, 0, 0, 0);
	}
	wait_for(pid);
}

static const struct operation {
	const char *name;
	void (*run)(void);
} operations[] = {
	{ "getppid", do_getppid }, { "stat", do_stat },	    { "read", do_read },
	{ "open", do_open },	   { "create", do_create }, { "connect", do_connect },
	{ "fork", do_fork },	   { "exec", do_exec },
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void measure(const struct operation *operation, unsigned rounds, unsigned times, FILE *out)
{
	uint64_t took[ROUNDS_MAX + 1];

	for (unsigned round = 0; round <= rounds; round++) {
		uint64_t start = now_ns();

		for (unsigned i = 0; i < times; i++)
			operation->run();
		took[round] = now_ns() - start;
	}
	for (unsigned round = 1; round <= rounds; round++)
		fprintf(out, "%llu ", (unsigned long long)took[round]);
	fputc('\n', out);
	fflush(out);
}

static const struct operation *operation_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
		if (!strcmp(operations[i].name, name))
			return &operations[i];
	}
	errx(2, "no operation %s", name);
}

int main(int argc, char **argv)
{
	char line[128], name[32];
	unsigned rounds, times;
	FILE *in, *out;

	if (argc != 3)
		errx(2, "usage: vm_op IN OUT");
	in = fopen(argv[1], "re");
	out = fopen(argv[2], "we");
	zero_fd = open(FILE_NAME, O_RDONLY | O_CLOEXEC);
	if (!in || !out || zero_fd < 0)
		err(1, "vm_op");
	while (fgets(line, sizeof(line), in)) {
		if (sscanf(line, "%31s %u %u", name, &rounds, &times) != 3 || rounds > ROUNDS_MAX)
			errx(2, "not understood: %s", line);
		measure(operation_named(name), rounds, times, out);
	}
	return 0;
}
