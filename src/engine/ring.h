/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The consumer side of a BPF ring buffer map, by its mapped pages alone (the layout is UAPI: a
 * consumer page, a producer page, the data twice). It needs no bpf() call, so the recorder can use
 * it without rights; and unlike libbpf 1.1 it tells the producer position, for the drain barrier.
 */

#include <stddef.h>
#include <stdint.h>

struct ring;

int ring_open(int map_fd, uint32_t ring_bytes, struct ring **ret_ring);
void ring_close(struct ring *ring);

/* Where the producer is now: everything submitted before this call lies below it. */
uint64_t ring_produced(const struct ring *ring);
uint64_t ring_consumed(const struct ring *ring);

/*
 * Calls `each` for at most `max` records. Stops at a record that is reserved but not submitted.
 * The bytes are valid during the call only. Returns the number of records.
 */
size_t ring_read(struct ring *ring, size_t max,
		 void (*each)(const void *record, size_t size, void *data), void *data);
