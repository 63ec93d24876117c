/* SPDX-License-Identifier: BSD-2-Clause */

#include "guard/doctor.h"

#include "base/cleanup.h"
#include "base/engines.h"
#include "engine/engine.h"

int guard_doctor(struct guard_hook **ret_hooks)
{
	_cleanup_free_ struct engine_hook_report *rows = NULL;
	struct guard_hook *hooks;
	int count = engine_doctor(&rows);

	if (count < 0)
		return count;
	hooks = calloc((size_t)count + 1, sizeof(*hooks));
	if (!hooks)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		hooks[i] = (struct guard_hook){
			.engine = rows[i].engine,
			.chosen = rows[i].chosen,
			.hook = rows[i].hook,
			.what = rows[i].what,
			.required = rows[i].required,
			.error = rows[i].error,
			.consequence = rows[i].consequence,
			.remedy = rows[i].remedy,
		};
	}
	*ret_hooks = hooks;
	return count;
}

const char *guard_engine_word(void)
{
	return engine_word(engine_best());
}

const char *guard_libbpf_version(void)
{
	return engine_libbpf_version();
}
