/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * An engine without a kernel side. A session's tasks are the processes whose session id (setsid)
 * is its root's, so a test process "carries the tag" wherever its cgroup is.
 */

#include <stdbool.h>
#include <stdint.h>

struct fake_engine {
	int open_error;
	uint32_t open_detail;
	int add_error;
	bool hide_tasks; /* as if no task were tagged */
	uint64_t expected; /* the id that was said beforehand */
	int policy_error; /* of a replacement */
	unsigned mode; /* enum mf_pol_mode, as was said last */
	bool has_every_task; /* whoever asks is in a session */
	unsigned policies; /* replaced */
	unsigned opened, closed, added, removed, drained;
};

extern struct fake_engine fake_engine;
