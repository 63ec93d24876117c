/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One direction of the relay. Bytes are read into `data`; those up to `released` may be written.
 *
 * Memory: reading stops while STREAM_HIGH_BYTES are waiting to be written. Towards the server a
 * line is held until it is complete, up to STREAM_HOLD_BYTES; a longer one is then released as it
 * comes. Towards the client nothing is held. So at most STREAM_HOLD_BYTES + STREAM_HIGH_BYTES +
 * STREAM_CHUNK_BYTES (8.4 MiB) wait towards the server, and 0.4 MiB towards the client; an
 * allocation is up to twice that.
 */

#include "base/buf.h"
#include "relay/channel.h"

#define STREAM_CHUNK_BYTES (64U << 10)
#define STREAM_HIGH_BYTES (256U << 10)
#define STREAM_HOLD_BYTES (8U << 20)

struct stream {
	struct channel in, out;
	struct buf data;
	size_t released;
	bool ended; /* no more bytes come in */
};

static inline bool stream_wants_input(const struct stream *stream)
{
	return !stream->ended && stream->in.fd >= 0 && stream->released < STREAM_HIGH_BYTES;
}

/* Reads a chunk. *ret_bytes are the new bytes, valid until the next call. Returns their number,
 * 0 at the end, -EAGAIN. */
ssize_t stream_read(struct stream *stream, const uint8_t **ret_bytes);
/* Writes what is released. 0, -EAGAIN when some is left, -EPIPE. */
int stream_write(struct stream *stream);
void stream_free(struct stream *stream);
