/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "outside.h"
#include "sample.h"

static int zero_fd = -1;

static void do_getppid(void)
{
	syscall(SYS_getppid);
}

static void do_stat(void)
{
	struct stat status;

	if (stat("/etc/passwd", &status) < 0)
		err(1, "stat");
}

static void do_read(void)
{
	char byte;

	if (pread(zero_fd, &byte, 1, 0) != 1)
		err(1, "read");
}

static void do_open(void)
{
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "open");
	close(fd);
}

static void do_create(void)
{
	int fd = open("bench-file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || unlink("bench-file") < 0)
		err(1, "create, unlink");
	close(fd);
}

/* port 1 of the loopback: nothing listens there */
static void do_connect(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(1),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		err(1, "socket");
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) == 0)
		errx(1, "something listens on port 1");
	close(sock);
}

static void do_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) < 0)
		err(1, "fork");
}

static void do_exec(void)
{
	char name[] = "true", *argv[] = { name, NULL };
	char *env[] = { NULL };
	pid_t pid;

	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, env))
		errx(1, "/bin/true cannot be started");
	if (waitpid(pid, NULL, 0) < 0)
		err(1, "waitpid");
}

static const struct operation {
	const char *name;
	void (*run)(void);
	unsigned times; /* per round */
} operations[] = {
	{ "getppid", do_getppid, 200000 },
	{ "stat", do_stat, 50000 },
	{ "read", do_read, 100000 },
	{ "open + close", do_open, 30000 },
	{ "create + unlink", do_create, 3000 },
	{ "connect, refused", do_connect, 5000 },
	{ "fork + exit", do_fork, 150 },
	{ "spawn + exec + exit", do_exec, 60 },
};

enum state { WITHOUT, WITHOUT_AGAIN, WITH, STATES };

static double measure_ns(const struct operation *operation)
{
	uint64_t start;

	for (unsigned i = 0; i < operation->times / 20; i++)
		operation->run();
	start = clock_mono_ns();
	for (unsigned i = 0; i < operation->times; i++)
		operation->run();
	return (double)(clock_mono_ns() - start) / operation->times;
}

static void report(const struct operation *operation, struct sample samples[STATES],
		   unsigned rounds)
{
	double without = sample_median(&samples[WITHOUT]);
	double again = sample_median(&samples[WITHOUT_AGAIN]);
	double with = sample_median(&samples[WITH]);
	double base = (without + again) / 2;
	double spread =
		sample_quantile(&samples[WITHOUT], 0.75) - sample_quantile(&samples[WITHOUT], 0.25);

	printf("| %-19s | %9.0f | %9.0f | %9.0f | %+6.1f %% | ±%5.1f %% | %+6.1f %% | %u × %u |\n",
	       operation->name, without, again, with, (again - without) / without * 100,
	       spread / 2 / without * 100, (with - base) / base * 100, rounds, operation->times);
	fflush(stdout);
}

void outside_measure(const struct bench_place *place, unsigned rounds)
{
	struct sample samples[ARRAY_LEN(operations)][STATES] = { 0 };
	struct peer *peer = calloc(1, sizeof(*peer));

	zero_fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	if (!peer || zero_fd < 0)
		err(1, "outside");
	printf("| operation, ns | no session | again | a session | A/A | quartiles | cost | rounds "
	       "|\n"
	       "|---|---|---|---|---|---|---|---|\n");
	for (unsigned round = 0; round < rounds * STATES; round++) {
		/* each triple in another order, so that drift hits all three alike */
		enum state state = (round + round / STATES) % STATES;

		if (state == WITH) {
			peer_start_echo(peer, place, DAEMON);
			peer_initialize(peer);
		}
		for (size_t i = 0; i < ARRAY_LEN(operations); i++)
			sample_add(&samples[i][state], measure_ns(&operations[i]));
		if (state == WITH)
			peer_stop(peer);
	}
	for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
		report(&operations[i], samples[i], rounds);
		for (unsigned state = 0; state < STATES; state++)
			sample_free(&samples[i][state]);
	}
	close(zero_fd);
	free(peer);
}
