/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Log frames: the entries of a segment file, and what the query socket sends.
 *
 *	0   u32  magic   "MFL1" (0x314c464d, little endian)
 *	4   u32  length  of the payload in bytes
 *	8   u16  type    enum log_type
 *	10  u16  flags   0
 *	12  u32  crc     CRC-32 (zlib) of bytes 16 … 32+length-1
 *	16  u64  seq     of the entry in its segment, from 0
 *	24  u64  time    CLOCK_REALTIME nanoseconds when it was written
 *	32  …    payload one JSON object, UTF-8
 *
 * A segment is written by one process, append-only, and never changed afterwards, with one
 * exception: a torn tail (the writer died) is cut off and an LOG_GAP entry takes its place.
 */

#include <stddef.h>
#include <stdint.h>

#define LOG_MAGIC 0x314c464dU
#define LOG_HEAD_BYTES 32
#define LOG_PAYLOAD_MAX (64U << 20)

/* append-only */
enum log_type {
	LOG_SEGMENT = 1, /* first entry of a segment: who writes it */
	LOG_SESSION_START = 2,
	LOG_SESSION_END = 3,
	LOG_REQUEST = 4, /* the record of one request */
	LOG_LATE = 5, /* events of a request whose record is closed already */
	LOG_BACKGROUND = 6, /* events of a session that belong to no request */
	LOG_GAP = 7, /* something is missing here, and why */
	LOG_ANSWER_END = 8, /* on the query socket only: all of the answer was sent */
	LOG_POLICY = 9, /* a session's policy was replaced, was not, or has another mode */
	LOG_TYPE_MAX = 10,
};

struct log_head {
	uint32_t length;
	uint16_t type;
	uint32_t crc;
	uint64_t seq;
	uint64_t time_ns;
};

/* Writes LOG_HEAD_BYTES to `out`, crc included. */
void log_head_encode(const struct log_head *head, const void *payload, uint8_t *out);

/*
 * Reads a head from `bytes`. Returns 1 and the head, 0 when `size` is too small to tell, -EBADMSG
 * when it is none (wrong magic, length over LOG_PAYLOAD_MAX). The crc is not checked yet.
 */
int log_head_decode(const uint8_t *bytes, size_t size, struct log_head *ret_head);

/* Whether `payload` (head->length bytes) fits head->crc. */
int log_crc_ok(const struct log_head *head, const uint8_t *encoded_head, const void *payload);
