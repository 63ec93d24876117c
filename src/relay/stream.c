/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/stream.h"

ssize_t stream_read(struct stream *stream, const uint8_t **ret_bytes)
{
	uint8_t *room;
	ssize_t got;
	int err = buf_reserve(&stream->data, STREAM_CHUNK_BYTES, &room);

	if (err)
		return err;
	got = channel_read(&stream->in, room, STREAM_CHUNK_BYTES);
	if (got <= 0)
		return got;
	buf_commit(&stream->data, (size_t)got);
	*ret_bytes = room;
	return got;
}

int stream_write(struct stream *stream)
{
	while (stream->released && stream->out.fd >= 0) {
		ssize_t put =
			channel_write(&stream->out, buf_bytes(&stream->data), stream->released);

		if (put < 0)
			return (int)put;
		buf_consume(&stream->data, (size_t)put);
		stream->released -= (size_t)put;
	}
	if (!buf_size(&stream->data))
		buf_reset(&stream->data, 4 * STREAM_CHUNK_BYTES);
	return 0;
}

void stream_free(struct stream *stream)
{
	buf_free(&stream->data);
}
