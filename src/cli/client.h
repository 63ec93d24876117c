/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A server behind `mcpfloor run`, on two pipes: lines out, lines in, with a deadline.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "cli/cli.h"

struct client {
	pid_t pid; /* of mcpfloor run; 0: none */
	int in; /* its standard input */
	int out; /* its standard output */
	struct buf received;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC; of every wait */
	const char *doing; /* what a person at the terminal is told */
	uint64_t doing_since_ns;
	bool told;
};

/* Starts mcpfloor run with the options of `args`. */
int client_start(const struct cli_args *args, struct client *ret_client);
/* Gives what is left a moment, then ends it. For scopes; see client_end(). */
void client_stop(struct client *client);
#define _cleanup_client_ _cleanup_(client_stop)

/* What is being waited for, from now on; shown on stderr when that is a terminal. */
void client_doing(struct client *client, const char *what);
/* Shows that time passes; called while waiting. */
void client_tick(struct client *client);
/* Takes away what was shown. */
void client_quiet(struct client *client);

/* Sends all of it, and takes in meanwhile what arrives. -ETIMEDOUT, -EPIPE. */
int client_send(struct client *client, const struct buf *lines);
/* The next line, NUL terminated, without its newline; free it. 1, 0 at the end of the output, or
 * -errno: -ETIMEDOUT, -ENOBUFS when it is longer than this client reads. */
int client_receive(struct client *client, char **ret_line, size_t *ret_size);

/* Closes its input and waits for it to end; *ret_status as in wait(2). */
int client_end(struct client *client, int *ret_status);
