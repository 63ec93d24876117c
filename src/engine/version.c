/* SPDX-License-Identifier: BSD-2-Clause */

#include <bpf/libbpf.h>

#include "engine/engine.h"

const char *engine_libbpf_version(void)
{
	return libbpf_version_string();
}
