/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include "base/cleanup.h"

/* kernel/bpf/ringbuf.c: each record has an 8 byte header whose first word is length and two bits */
#define RECORD_HEAD 8
#define LENGTH_MASK (~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT))

struct ring {
	unsigned long *consumer;
	const unsigned long *producer;
	const uint8_t *data;
	uint32_t bytes;
	size_t page;
	uint64_t consumed;
};

int ring_open(int map_fd, uint32_t ring_bytes, struct ring **ret_ring)
{
	_cleanup_free_ struct ring *ring = NULL;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *consumer;
	void *rest;

	if (!ring_bytes || (ring_bytes & (ring_bytes - 1)) || ring_bytes < page)
		return -EINVAL;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	rest = mmap(NULL, page + 2 * (size_t)ring_bytes, PROT_READ, MAP_SHARED, map_fd,
		    (off_t)page);
	if (rest == MAP_FAILED) {
		int err = -errno;

		munmap(consumer, page);
		return err;
	}
	ring->consumer = consumer;
	ring->producer = rest;
	ring->data = (const uint8_t *)rest + page;
	ring->bytes = ring_bytes;
	ring->page = page;
	ring->consumed = __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE);
	*ret_ring = take_ptr(ring);
	return 0;
}

void ring_close(struct ring *ring)
{
	if (!ring)
		return;
	munmap(ring->consumer, ring->page);
	munmap((void *)ring->producer, ring->page + 2 * (size_t)ring->bytes);
	free(ring);
}

uint64_t ring_produced(const struct ring *ring)
{
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
}

uint64_t ring_consumed(const struct ring *ring)
{
	return ring->consumed;
}

size_t ring_read(struct ring *ring, size_t max,
		 void (*each)(const void *record, size_t size, void *data), void *data)
{
	uint64_t produced = ring_produced(ring);
	uint64_t told = ring->consumed;
	size_t count = 0;

	while (ring->consumed < produced && count < max) {
		const uint8_t *at = ring->data + (ring->consumed & (ring->bytes - 1));
		uint32_t head = __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
		uint32_t length = head & LENGTH_MASK;

		if ((head & BPF_RINGBUF_BUSY_BIT) || length > ring->bytes - RECORD_HEAD)
			break;
		if (!(head & BPF_RINGBUF_DISCARD_BIT)) {
			each(at + RECORD_HEAD, length, data);
			count++;
		}
		ring->consumed += (length + RECORD_HEAD + 7) & ~7ULL;
		/* room is given back in steps, so that the producer's cache line is not fought
		 * over for every record */
		if (ring->consumed - told >= ring->bytes / 64) {
			told = ring->consumed;
			__atomic_store_n(ring->consumer, told, __ATOMIC_RELEASE);
		}
	}
	if (told != ring->consumed)
		__atomic_store_n(ring->consumer, ring->consumed, __ATOMIC_RELEASE);
	return count;
}
