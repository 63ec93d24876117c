/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/say.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/escape.h"

void say(struct say *out, const char *format, ...)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
	char line[1024] = "mcpfloor: ";
	size_t size = strlen(line);
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line + size, sizeof(line) - size - 1, format, args);
	va_end(args);
	if (length < 0)
		return;
	size += (size_t)length < sizeof(line) - size - 1 ? (size_t)length : sizeof(line) - size - 2;
	line[size++] = '\n';
	/* a pipe that polls writable has room for PIPE_BUF bytes, which is more than a line */
	if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT) ||
	    write(STDERR_FILENO, line, size) != (ssize_t)size)
		out->dropped++;
}
