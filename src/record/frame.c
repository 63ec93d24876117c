/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/frame.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>

static uint32_t frame_crc(const uint8_t *encoded_head, const void *payload, uint32_t length)
{
	uLong crc = crc32(0, encoded_head + 16, LOG_HEAD_BYTES - 16);

	return (uint32_t)crc32(crc, payload, length);
}

static void put32(uint8_t *out, uint32_t value)
{
	value = htole32(value);
	memcpy(out, &value, sizeof(value));
}

static void put64(uint8_t *out, uint64_t value)
{
	value = htole64(value);
	memcpy(out, &value, sizeof(value));
}

static uint32_t get32(const uint8_t *in)
{
	uint32_t value;

	memcpy(&value, in, sizeof(value));
	return le32toh(value);
}

static uint64_t get64(const uint8_t *in)
{
	uint64_t value;

	memcpy(&value, in, sizeof(value));
	return le64toh(value);
}

void log_head_encode(const struct log_head *head, const void *payload, uint8_t *out)
{
	put32(out, LOG_MAGIC);
	put32(out + 4, head->length);
	put32(out + 8, head->type);
	put64(out + 16, head->seq);
	put64(out + 24, head->time_ns);
	put32(out + 12, frame_crc(out, payload, head->length));
}

int log_head_decode(const uint8_t *bytes, size_t size, struct log_head *ret_head)
{
	struct log_head head;

	if (size < LOG_HEAD_BYTES)
		return 0;
	head.length = get32(bytes + 4);
	head.type = (uint16_t)get32(bytes + 8);
	head.crc = get32(bytes + 12);
	head.seq = get64(bytes + 16);
	head.time_ns = get64(bytes + 24);
	if (get32(bytes) != LOG_MAGIC || head.length > LOG_PAYLOAD_MAX)
		return -EBADMSG;
	*ret_head = head;
	return 1;
}

int log_crc_ok(const struct log_head *head, const uint8_t *encoded_head, const void *payload)
{
	return frame_crc(encoded_head, payload, head->length) == head->crc;
}
