/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * mcpfloor's own lines on stderr, which is the client's and the server's too. They never block: a
 * line that stderr cannot take at once is dropped and counted.
 */

#include <stdint.h>

struct say {
	uint64_t dropped;
};

/* One line, "mcpfloor: " in front and a newline behind, at most 1 KiB. */
void say(struct say *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
