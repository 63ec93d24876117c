/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Bytes of a client and of a server through everything between them that has no descriptors:
 * lines, messages, requests in flight, page and journal entries. The first byte of the input
 * chooses the size of the pieces; a 0xfe byte changes the direction. What is released must be a
 * prefix of what came, and everything at the end.
 */

#include <stdlib.h>
#include <string.h>

#include "relay/traffic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void client(struct traffic *traffic, const uint8_t *bytes, size_t size, size_t piece,
		   size_t *held)
{
	for (size_t at = 0; at < size; at += piece) {
		size_t part = size - at < piece ? size - at : piece;
		size_t released = traffic_from_client(traffic, bytes + at, part, *held);

		check(released <= *held + part);
		/* what is held has no newline: it is one unfinished line */
		check(released == 0 || released == *held + part || bytes[at + part - 1] != '\n');
		*held = *held + part - released;
		check(bytes[at + part - 1] != '\n' || *held == 0);
	}
}

static void server(struct traffic *traffic, const uint8_t *bytes, size_t size, size_t piece)
{
	for (size_t at = 0; at < size; at += piece)
		traffic_from_server(traffic, bytes + at, size - at < piece ? size - at : piece);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct traffic traffic;
	bool from_server = false;
	size_t piece, held = 0;

	if (!size)
		return 0;
	check(traffic_init(&traffic, false) == 0);
	piece = data[0] ? data[0] : 65536;
	data++;
	size--;
	while (size) {
		const uint8_t *turn = memchr(data, 0xfe, size);
		size_t part = turn ? (size_t)(turn - data) : size;

		if (from_server)
			server(&traffic, data, part, piece);
		else
			client(&traffic, data, part, piece, &held);
		from_server = !from_server;
		data += part + (turn ? 1 : 0);
		size -= part + (turn ? 1 : 0);
	}
	traffic_client_end(&traffic);
	traffic_server_end(&traffic);
	traffic_server_exit(&traffic);
	check(pending_count(traffic.pending) == 0);
	check(traffic.page.count == 0 && traffic.page.unnamed == 0);
	traffic_free(&traffic);
	return 0;
}
