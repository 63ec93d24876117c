/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/journal.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

#define NO_PACKET SIZE_MAX

void journal_init(struct journal *journal)
{
	*journal = (struct journal){ .fd = -1, .open_at = NO_PACKET };
}

void journal_close(struct journal *journal)
{
	journal->fd = close_fd(journal->fd);
	buf_free(&journal->queue);
	journal->open_at = NO_PACKET;
	journal->stalled = false;
}

void journal_replace(struct journal *journal, int fd)
{
	journal_close(journal);
	journal->fd = fd;
}

bool journal_thin(const struct journal *journal)
{
	return buf_size(&journal->queue) > JOURNAL_THIN_BYTES;
}

static uint32_t *packet_size(struct journal *journal, size_t at)
{
	return (uint32_t *)(void *)(journal->queue.data + journal->queue.start + at);
}

/* Room in the open packet, or a new one. */
static int packet_open(struct journal *journal, size_t size)
{
	const uint32_t none[2] = { 0 };
	int err;

	if (journal->open_at != NO_PACKET &&
	    *packet_size(journal, journal->open_at) + size <= MF_JOURNAL_PACKET)
		return 0;
	journal->open_at = NO_PACKET;
	err = buf_append(&journal->queue, none, sizeof(none));
	if (err)
		return err;
	journal->open_at = buf_size(&journal->queue) - sizeof(none);
	return 0;
}

void journal_put(struct journal *journal, const void *entry, size_t size)
{
	if (journal->fd < 0) {
		journal->lost++;
		return;
	}
	if (buf_size(&journal->queue) + size > JOURNAL_QUEUE_BYTES ||
	    packet_open(journal, size) < 0 || buf_append(&journal->queue, entry, size) < 0) {
		journal->lost++;
		return;
	}
	*packet_size(journal, journal->open_at) += (uint32_t)size;
}

static int send_first(struct journal *journal)
{
	uint32_t size = *packet_size(journal, 0);
	const uint8_t *packet = buf_bytes(&journal->queue) + 8;
	ssize_t sent;

	if (!size) {
		buf_consume(&journal->queue, 8);
		return 0;
	}
	do {
		sent = send(journal->fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EAGAIN ? -EAGAIN : -EPIPE;
	buf_consume(&journal->queue, 8 + (size_t)size);
	return 0;
}

int journal_flush(struct journal *journal, int wait_ms)
{
	uint64_t until_ns = 0;

	if (journal->fd < 0)
		return 0;
	journal->open_at = NO_PACKET;
	while (journal_waiting(journal)) {
		struct pollfd room = { .fd = journal->fd, .events = POLLOUT };
		uint64_t now_ns;
		int err = send_first(journal);

		if (err == -EPIPE)
			return err;
		if (!err)
			continue;
		if (journal->stalled || wait_ms <= 0)
			return 0;
		now_ns = clock_mono_ns();
		if (!until_ns)
			until_ns = now_ns + (uint64_t)wait_ms * NS_PER_MS;
		if (now_ns >= until_ns ||
		    poll(&room, 1, (int)((until_ns - now_ns) / NS_PER_MS) + 1) == 0) {
			journal->stalled = true;
			return 0;
		}
	}
	journal->stalled = false;
	buf_reset(&journal->queue, 256U << 10);
	return 0;
}
