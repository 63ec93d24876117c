/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/resync.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "record/frame.h"

#define WINDOW_BYTES (256U << 10)
#define CHECKED_MAX (256U << 20) /* bytes that are summed up in vain at most */

struct search {
	int fd;
	uint64_t size;
	uint64_t checked;
	struct buf payload;
};

static void free_search(struct search *search)
{
	buf_free(&search->payload);
}

/* 1: a whole entry is at `at`; 0; -errno. */
static int entry_at(struct search *search, uint64_t at)
{
	uint8_t encoded[LOG_HEAD_BYTES];
	struct log_head head;
	uint8_t *room;
	int err;

	if (search->size - at < sizeof(encoded) ||
	    pread(search->fd, encoded, sizeof(encoded), (off_t)at) != (ssize_t)sizeof(encoded) ||
	    log_head_decode(encoded, sizeof(encoded), &head) != 1 || !head.type ||
	    head.type >= LOG_TYPE_MAX || head.length > search->size - at - sizeof(encoded))
		return 0;
	search->checked += head.length;
	if (search->checked > CHECKED_MAX)
		return 0;
	buf_reset(&search->payload, 1 << 20);
	err = buf_reserve(&search->payload, head.length + 1, &room);
	if (err)
		return err;
	return pread(search->fd, room, head.length, (off_t)(at + sizeof(encoded))) ==
		       (ssize_t)head.length &&
	       log_crc_ok(&head, encoded, room);
}

int log_find_entry(int fd, uint64_t from, uint64_t size, uint64_t *ret_at)
{
	_cleanup_(free_search) struct search search = { .fd = fd, .size = size };
	_cleanup_free_ uint8_t *window = malloc(WINDOW_BYTES);
	const uint32_t magic = htole32(LOG_MAGIC);

	if (!window)
		return -ENOMEM;
	while (from < size && search.checked <= CHECKED_MAX) {
		ssize_t got = pread(fd, window, WINDOW_BYTES, (off_t)from);
		const uint8_t *at = window;
		const uint8_t *end = window + (got > 0 ? got : 0);

		if (got < 0)
			return -errno;
		if (got < (ssize_t)sizeof(magic))
			break;
		while ((at = memmem(at, (size_t)(end - at), &magic, sizeof(magic)))) {
			uint64_t offset = from + (uint64_t)(at - window);
			int found = entry_at(&search, offset);

			if (found > 0)
				*ret_at = offset;
			if (found)
				return found;
			at++;
		}
		/* a magic may lie across the windows */
		from += (uint64_t)got - (sizeof(magic) - 1);
	}
	return 0;
}
