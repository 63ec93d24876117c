/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A policy whose text changes while the session runs: the files that it was read from are watched, a
 * child compiles them again, and the guard puts what comes of it in the place of the one before. A text
 * that cannot be taken changes nothing. Nothing here waits: the relay's loop tells what happened.
 *
 *	resting → (a file changed, or somebody asked) → compiling → publishing → resting
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct session;

struct compiler {
	pid_t pid;
	int pidfd; /* -1: there is none */
	int result; /* a file that it writes */
	uint64_t until_ns;
};

struct reload {
	struct session *session;
	int watch; /* inotify; -1: nothing is watched */
	char *files; /* those that the policy was read from, each with its NUL */
	size_t files_size;
	uint64_t seen; /* a digest of what they looked like before they were read */
	uint64_t due_ns; /* to look at them; UINT64_MAX: nothing happened */
	bool stale; /* compile it, whatever the files look like */
	bool asked; /* somebody waits for a new generation, of the same text or not */
	struct compiler compiler;
	bool publishing; /* the guard has it, and has not answered */
};

#define RELOAD_NONE       \
	((struct reload){ \
		.watch = -1, .due_ns = UINT64_MAX, .compiler = { .pidfd = -1, .result = -1 } })

/* Nothing to do where the session has no policy, or one that stays as it is. */
void reload_init(struct reload *reload, struct session *session);
void reload_free(struct reload *reload);
/* `watch` is readable; the compiler is gone; the guard said something. */
void reload_looked(struct reload *reload);
void reload_compiled(struct reload *reload);
void reload_heard(struct reload *reload);
/* What is due; returns when to come again, UINT64_MAX: nothing waits. */
uint64_t reload_tick(struct reload *reload, uint64_t now_ns);
