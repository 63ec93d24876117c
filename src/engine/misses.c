/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What no program saw because it was running already on that processor: an interrupt came in the
 * midst of it and led to the same place, or, before Linux 6.2, another task did. The kernel passes it
 * over and counts. Whose it was is not known, so it is every session's loss.
 */

#include <bpf/bpf.h>

#include "engine/state.h"

static uint64_t misses_of(const struct engine *engine, int id)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);

	if (hooks[id].kind != HOOK_TRACING || !engine->links[id] ||
	    bpf_obj_get_info_by_fd(engine->program_fds[id], &info, &size))
		return 0;
	return info.recursion_misses;
}

void misses_count(struct engine *engine)
{
	uint32_t slot;
	int id;

	for (id = 0; id < HOOK_MAX; id++) {
		uint64_t now = misses_of(engine, id);

		if (now <= engine->misses[id])
			continue;
		for (slot = 0; slot < engine->sessions_top; slot++) {
			if (engine->sessions[slot])
				session_lose_many(engine, engine->sessions[slot], MF_LOSS_SKIPPED,
						  now - engine->misses[id]);
		}
		engine->misses[id] = now;
	}
}
