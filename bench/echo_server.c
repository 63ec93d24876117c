/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The least MCP server that a benchmark can talk to: it answers every line that has a number for an
 * id, at once, many lines per read and write. It parses nothing else: the clients are ours.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_MAX (1 << 16)
#define OUT_MAX (1 << 18)

static char in[IN_MAX + 1], out[OUT_MAX];
static size_t out_filled;

static int flush_out(void)
{
	size_t done = 0;

	while (done < out_filled) {
		ssize_t written = write(1, out + done, out_filled - done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		done += (size_t)written;
	}
	out_filled = 0;
	return 0;
}

static int answer(char *line)
{
	char *id = strstr(line, "\"id\":");
	int length;

	if (!id)
		return 0;
	if (OUT_MAX - out_filled < 512 && flush_out() < 0)
		return -EIO;
	length = snprintf(out + out_filled, OUT_MAX - out_filled,
			  "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"result\":{\"content\":[{\"type\":"
			  "\"text\",\"text\":\"hello\"}],\"isError\":false}}\n",
			  strtoull(id + 5, NULL, 10));
	out_filled += (size_t)length;
	return 0;
}

int main(void)
{
	size_t filled = 0;

	for (;;) {
		ssize_t got = read(0, in + filled, IN_MAX - filled);
		char *line = in, *newline;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0;
		filled += (size_t)got;
		in[filled] = '\0';
		while ((newline = strchr(line, '\n'))) {
			*newline = '\0';
			if (answer(line) < 0)
				return 1;
			line = newline + 1;
		}
		filled -= (size_t)(line - in);
		memmove(in, line, filled);
		if (flush_out() < 0)
			return 1;
	}
}
