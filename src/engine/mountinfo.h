/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Lines of /proc/PID/mountinfo (Documentation/filesystems/proc.rst, 3.5). The table is cut up in
 * place; its octal escapes are undone.
 */

#include <stdbool.h>
#include <stdint.h>

#define MOUNTINFO_MAX (32U << 20)

struct mount_line {
	uint32_t id;
	const char *dev; /* "8:1" */
	const char *root; /* within the file system */
	const char *point; /* below the reader's root */
	const char *type;
};

/* The next well-formed line at *at (NUL terminated text), which moves on. false: no more. */
bool mount_line_next(char **at, struct mount_line *ret_line);
/* Of what makes it this mount and no other: number, device, root and point. */
uint64_t mount_line_hash(const struct mount_line *line);
/* Of its device alone */
uint64_t mount_line_device(const struct mount_line *line);
