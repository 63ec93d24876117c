/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What tests of execs have in common: a child that executes, and how the kernel names its file. */

#include <errno.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scene.h"

static char *const none[] = { NULL };

#define ARGV(...) ((char **)(const char *[]){ __VA_ARGS__, NULL })

static inline uint64_t kernel_dev(dev_t dev)
{
	return (uint64_t)major(dev) << 20 | minor(dev);
}

/* Runs one child that executes; note 0 is its pid. */
static inline int run(struct notes *notes, const char *file, char *const argv[])
{
	int pid = fork(), status;

	if (!pid) {
		execve(file, argv, none);
		_exit(errno == ENOEXEC ? 126 : 127);
	}
	notes->value[0] = (uint64_t)pid;
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}
