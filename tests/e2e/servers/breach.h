/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What a policy refuses, tried in every way: one verb per technique. Each try is told in a line of its
 * own, its name and what became of it: "ok", or the name of the error.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

/* A line of the try: `result` is that of a system call, errno goes with -1. */
void said(const char *what, long result);
/* The same of a descriptor, which is closed. */
void said_fd(const char *what, int fd);
/* A line with a number */
void counted(const char *what, long count);
/* Whether a child process, which does this, ends with status 0 */
void said_child(const char *what, int (*does)(char **args), char **args);

struct verb {
	const char *name;
	int args; /* at least */
	void (*act)(char **args);
};

extern const struct verb file_verbs[], way_verbs[], net_verbs[], task_verbs[];

/* DIR/NAME, in one of a few buffers */
const char *in(const char *dir, const char *name);
struct sockaddr_in to_v4(const char *ip, const char *port);
