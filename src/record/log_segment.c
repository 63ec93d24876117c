/* SPDX-License-Identifier: BSD-2-Clause */
/* What a segment is called, and the entry that closes it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "record/log.h"

#define CLOSING_BYTES 96

bool log_is_segment(const char *name, uint64_t *ret_start_ns)
{
	size_t digits = strspn(name, "0123456789");
	size_t pid;

	if (digits != 20 || name[20] != '-')
		return false;
	pid = strspn(name + 21, "0123456789");
	if (!pid || pid > 10 || strcmp(name + 21 + pid, ".mfl"))
		return false;
	*ret_start_ns = strtoull(name, NULL, 10);
	return true;
}

static size_t closing_payload(char payload[CLOSING_BYTES + 1])
{
	return (size_t)snprintf(payload, CLOSING_BYTES + 1, "%-*s", CLOSING_BYTES - 1,
				"{\"schema\":\"mcpfloor.segment/1\",\"state\":\"closed\"") +
	       (size_t)snprintf(payload + CLOSING_BYTES - 1, 2, "}");
}

int log_is_closed(int fd)
{
	uint8_t tail[LOG_HEAD_BYTES + CLOSING_BYTES];
	char payload[CLOSING_BYTES + 1];
	struct log_head head;
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < (off_t)sizeof(tail))
		return 0;
	got = pread(fd, tail, sizeof(tail), st.st_size - (off_t)sizeof(tail));
	if (got < 0)
		return -errno;
	closing_payload(payload);
	return got == (ssize_t)sizeof(tail) && log_head_decode(tail, sizeof(tail), &head) == 1 &&
	       head.type == LOG_SEGMENT && head.length == CLOSING_BYTES &&
	       !memcmp(tail + LOG_HEAD_BYTES, payload, CLOSING_BYTES) &&
	       log_crc_ok(&head, tail, tail + LOG_HEAD_BYTES);
}

int log_write_closing(int fd, uint64_t offset, uint64_t seq)
{
	uint8_t frame[LOG_HEAD_BYTES + CLOSING_BYTES + 1];
	struct log_head head = {
		.length = CLOSING_BYTES, .type = LOG_SEGMENT, .seq = seq, .time_ns = clock_real_ns()
	};
	ssize_t put;

	closing_payload((char *)frame + LOG_HEAD_BYTES);
	log_head_encode(&head, frame + LOG_HEAD_BYTES, frame);
	put = pwrite(fd, frame, sizeof(frame) - 1, (off_t)offset);
	if (put < 0)
		return -errno;
	return put == (ssize_t)sizeof(frame) - 1 ? 0 : -EIO;
}
