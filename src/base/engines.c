/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/engines.h"

#include <errno.h>
#include <string.h>

#include "abi/control.h"
#include "base/cleanup.h"

static const char *const words[] = {
	[0] = "auto",
	[MF_ENGINE_TRACE] = "trace",
	[MF_ENGINE_LSM] = "lsm",
	[MF_ENGINE_KPROBE] = "kprobe",
};

const char *engine_word(uint32_t engine)
{
	return engine < ARRAY_LEN(words) ? words[engine] : NULL;
}

int engine_of_word(const char *word, uint32_t *ret_engine)
{
	uint32_t i;

	for (i = 0; i < ARRAY_LEN(words); i++) {
		if (!strcmp(word, words[i])) {
			*ret_engine = i;
			return 0;
		}
	}
	return -EINVAL;
}

int probe_of_word(const char *word, bool *ret_syn_by_kprobe)
{
	bool by_kprobe = !strcmp(word, "kprobe");

	if (!by_kprobe && strcmp(word, "auto") != 0)
		return -EINVAL;
	*ret_syn_by_kprobe = by_kprobe;
	return 0;
}
