/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The one growable byte buffer: bytes are appended at the end and consumed from the front. Bounded
 * by `limit`: an append that would pass it changes nothing and returns -ENOBUFS.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct buf {
	uint8_t *data; /* allocation */
	size_t start; /* first unconsumed byte */
	size_t end; /* behind the last byte */
	size_t capacity;
	size_t limit; /* of end - start; 0: SIZE_MAX */
};

void buf_free(struct buf *buf);
#define _cleanup_buf_ _cleanup_(buf_free)

static inline const uint8_t *buf_bytes(const struct buf *buf)
{
	return buf->data ? buf->data + buf->start : (const uint8_t *)"";
}

static inline size_t buf_size(const struct buf *buf)
{
	return buf->end - buf->start;
}

/* Room for `size` more bytes behind the end; *ret_room is where they go. Then buf_commit(). */
int buf_reserve(struct buf *buf, size_t size, uint8_t **ret_room);
void buf_commit(struct buf *buf, size_t size);
int buf_append(struct buf *buf, const void *bytes, size_t size);
int buf_append_str(struct buf *buf, const char *text);
int buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_consume(struct buf *buf, size_t size);
/* Empties it and gives memory back when it had grown beyond `keep` bytes. */
void buf_reset(struct buf *buf, size_t keep);
