/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * `mcpfloor run`: stands in place of an MCP server on stdio and starts the real one behind it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define RELAY_EXIT_OURS 125 /* mcpfloor could not do its work, and the server was not started */

/* Compiles the policy's text as it is now; `ret_files`: the paths that were read, each with its NUL. What
 * is wrong goes to stderr. Runs in a child of the relay, which ends with it. 0 or -errno. */
typedef int relay_compile(const void *data, struct buf *ret_image, struct buf *ret_files);

/* A compiled policy (abi/policy.h). */
struct relay_policy {
	const char *name; /* for people */
	const void *image;
	size_t size; /* 0: there is none */
	uint32_t mode; /* enum mf_pol_mode: a limit, no block weighs more */
	bool part; /* where only a part of what it denies can be refused, that is enough */
	const char *files; /* the paths that were read, each with its NUL; when one changes … */
	size_t files_size;
	uint64_t read_ns; /* CLOCK_REALTIME, before that */
	relay_compile *compile; /* … it is compiled again. NULL: it stays as it is */
	const void *compile_data;
};

struct relay_options {
	const char *name; /* session name; NULL: the last component of the command */
	const char *tenant; /* NULL: none */
	const char *state_dir; /* for a private guard */
	const char *run_dir; /* where a daemon's sockets are */
	uint32_t engine; /* of a private guard: enum mf_engine, 0: the best */
	bool syn_by_kprobe; /* so does a private guard */
	bool digest_only;
	struct relay_policy policy;
	unsigned grace_ms; /* per step of an ending; 0: 2000 */
	char **argv; /* the server's command and arguments, NULL terminated */
};

/*
 * Relays stdin and stdout until the server is gone. Returns the status to exit with: the server's
 * own; 127 command not found; 126 not executable; 125 mcpfloor itself could not do its work. Where
 * the server died by a signal, relay_run() does not return: the process dies by the same signal.
 */
int relay_run(const struct relay_options *options);
