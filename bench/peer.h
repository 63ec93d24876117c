/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The client's end of an MCP server on pipes, as small as a benchmark needs it: ids are numbers that
 * it chose, replies come one per line. Every function ends the program with a message on failure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct peer {
	pid_t pid;
	int to; /* its stdin */
	int from; /* its stdout */
	uint64_t started_ns; /* CLOCK_MONOTONIC, before the fork */
	size_t filled;
	char buffer[1 << 16];
};

void peer_start(struct peer *peer, char *const argv[]);
/* Closes its stdin and waits for its end. */
void peer_stop(struct peer *peer);
void peer_send(struct peer *peer, const char *bytes, size_t size);
/* Reads until at least one line is there; returns how many lines were taken out. */
size_t peer_take_replies(struct peer *peer);
void peer_initialize(struct peer *peer);
/* One tools/call of `echo`; returns the bytes written to `line`. */
size_t peer_echo_line(char *line, size_t size, uint64_t id);

/* argv for the echo server: alone, or behind `mcpfloor run` */
struct bench_place {
	const char *mcpfloor;
	const char *mcpfloord;
	const char *server;
	const char *state_dir;
	const char *run_dir; /* of the daemon that the bench starts */
	const char *no_run_dir; /* where no daemon listens: a private guard */
	int server_cpu; /* that the server is bound to; -1: none */
};

enum bench_way { DIRECT, PRIVATE, DAEMON };

void peer_start_echo(struct peer *peer, const struct bench_place *place, enum bench_way way);
/* Starts mcpfloord and waits until it listens. */
pid_t daemon_start(const struct bench_place *place);
void daemon_stop(pid_t pid);
