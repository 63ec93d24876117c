/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mcpfloord, the daemon.
 */
#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/engines.h"
#include "guard/guard.h"

#define EXIT_USAGE 2
#define RING_MIN (64U << 10)
#define RING_MAX (1U << 30)

static int set_ring(struct guard_options *options, const char *text)
{
	char *end;
	unsigned long bytes;

	errno = 0;
	bytes = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || bytes < RING_MIN ||
	    bytes > RING_MAX || (bytes & (bytes - 1)))
		return -EINVAL;
	options->ring_bytes = (uint32_t)bytes;
	return 0;
}

static int set_state(struct guard_options *options, const char *text)
{
	options->state_dir = text;
	return *text ? 0 : -EINVAL;
}

static int set_engine(struct guard_options *options, const char *text)
{
	return engine_of_word(text, &options->engine);
}

static int set_probe(struct guard_options *options, const char *text)
{
	return probe_of_word(text, &options->syn_by_kprobe);
}

static int set_run_dir(struct guard_options *options, const char *text)
{
	options->run_dir = text;
	return *text ? 0 : -EINVAL;
}

/* Parsing, getopt's table and the help text come from these rows. */
static const struct {
	const char *name, *operand, *help;
	int (*set)(struct guard_options *options, const char *text);
} rows[] = {
	{ "state", "DIR", "where the log is kept (/var/lib/mcpfloor)", set_state },
	{ "run-dir", "DIR", "where the sockets are made (/run/mcpfloor)", set_run_dir },
	{ "engine", "ENGINE", "the kernel hooks used: " ENGINE_WORDS " (auto)", set_engine },
	{ "probe", "PROBE", "what tells that a SYN leaves: " PROBE_WORDS " (auto)", set_probe },
	{ "ring", "BYTES", "size of the event ring, a power of two (4194304)", set_ring },
	{ "help", NULL, "print this and exit", NULL },
	{ "version", NULL, "print the version and exit", NULL },
};

static void print_help(void)
{
	puts("usage: mcpfloord [OPTION]...\n"
	     "Observes MCP servers for all users of this machine; stays in the foreground.\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char left[32];

		snprintf(left, sizeof(left), "--%s %s", rows[i].name,
			 rows[i].operand ? rows[i].operand : "");
		printf("  %-16s %s\n", left, rows[i].help);
	}
	puts("\nSIGTERM and SIGINT end the observation; servers that run go on without it.\n"
	     "Exit status: 0 told to end, 1 it could not do its work, 2 wrong usage.");
}

/* -1: go on; else the status to exit with. */
static int parse(int argc, char **argv, struct guard_options *options)
{
	struct option longs[ARRAY_LEN(rows) + 1] = { 0 };
	int row;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		longs[i] = (struct option){ rows[i].name,
					    rows[i].operand ? required_argument : no_argument, NULL,
					    (int)i };
	while ((row = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (row == '?')
			return EXIT_USAGE;
		if (strcmp(rows[row].name, "help") == 0) {
			print_help();
			return 0;
		}
		if (strcmp(rows[row].name, "version") == 0) {
			puts("mcpfloord " MCPFLOOR_VERSION);
			return 0;
		}
		if (rows[row].set(options, optarg)) {
			fprintf(stderr, "mcpfloord: --%s cannot be that; see mcpfloord --help\n",
				rows[row].name);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "mcpfloord: takes no operands; see mcpfloord --help\n");
		return EXIT_USAGE;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct guard_options options = { .state_dir = "/var/lib/mcpfloor",
					 .run_dir = "/run/mcpfloor" };
	int status = parse(argc, argv, &options);

	if (status >= 0)
		return status;
	if (geteuid() != 0) {
		fprintf(stderr, "mcpfloord: must be started as root\n");
		return 1;
	}
	return guard_run_daemon(&options);
}
