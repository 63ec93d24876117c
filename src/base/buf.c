/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/buf.h"

#include <stdarg.h>
#include <string.h>

void buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ .limit = buf->limit };
}

static int buf_grow(struct buf *buf, size_t size)
{
	size_t capacity = buf->capacity ? buf->capacity : 256;
	uint8_t *data;

	while (capacity < size) {
		if (capacity > SIZE_MAX / 2)
			return -ENOMEM;
		capacity *= 2;
	}
	data = realloc(buf->data, capacity);
	if (!data)
		return -ENOMEM;
	buf->data = data;
	buf->capacity = capacity;
	return 0;
}

int buf_reserve(struct buf *buf, size_t size, uint8_t **ret_room)
{
	size_t used = buf_size(buf);
	int err;

	if (size > SIZE_MAX - used || (buf->limit && used + size > buf->limit))
		return -ENOBUFS;
	if (size > buf->capacity - buf->end && buf->start) {
		memmove(buf->data, buf->data + buf->start, used);
		buf->start = 0;
		buf->end = used;
	}
	if (size > buf->capacity - buf->end || !buf->data) {
		err = buf_grow(buf, buf->end + size);
		if (err)
			return err;
	}
	*ret_room = buf->data + buf->end;
	return 0;
}

void buf_commit(struct buf *buf, size_t size)
{
	buf->end += size;
}

int buf_append(struct buf *buf, const void *bytes, size_t size)
{
	uint8_t *room;
	int err = buf_reserve(buf, size, &room);

	if (err)
		return err;
	if (size)
		memcpy(room, bytes, size);
	buf_commit(buf, size);
	return 0;
}

int buf_append_str(struct buf *buf, const char *text)
{
	return buf_append(buf, text, strlen(text));
}

int buf_printf(struct buf *buf, const char *format, ...)
{
	uint8_t *room;
	va_list args;
	int length;
	int err;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		return -EINVAL;
	err = buf_reserve(buf, (size_t)length + 1, &room);
	if (err)
		return err;
	va_start(args, format);
	vsnprintf((char *)room, (size_t)length + 1, format, args);
	va_end(args);
	buf_commit(buf, (size_t)length);
	return 0;
}

void buf_consume(struct buf *buf, size_t size)
{
	buf->start += size;
	if (buf->start == buf->end)
		buf->start = buf->end = 0;
}

void buf_reset(struct buf *buf, size_t keep)
{
	buf->start = buf->end = 0;
	if (buf->capacity > keep)
		buf_free(buf);
}
