/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What stands behind a readiness of the engine's descriptor.
 */

#include <stdint.h>

struct engine;

enum watch_kind {
	WATCH_OPENS = 1,
	WATCH_CHANGES = 2,
	WATCH_MOUNTS = 3, /* of the session in `slot` */
};

static inline uint64_t watch_key(enum watch_kind kind, uint32_t slot)
{
	return (uint64_t)slot << 8 | kind;
}

static inline enum watch_kind watch_kind_of(uint64_t key)
{
	return (enum watch_kind)(key & 0xff);
}

static inline uint32_t watch_slot_of(uint64_t key)
{
	return (uint32_t)(key >> 8);
}

int engine_watch(struct engine *engine, int fd, uint32_t events, enum watch_kind kind,
		 uint32_t slot);
