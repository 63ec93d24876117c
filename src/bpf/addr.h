/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Addresses, normalised: a v4-mapped v6 address is the v4 address that it stands for.
 */

#include "compat.h"

static __always_inline void addr_set_v4(__u8 *bytes, __u8 *family, __u32 addr)
{
	__builtin_memcpy(bytes, &addr, sizeof(addr));
	*family = 4;
}

static __always_inline void addr_set_v6(__u8 *bytes, __u8 *family, const __u32 *addr)
{
	if (!addr[0] && !addr[1] && addr[2] == bpf_htonl(0xffff)) {
		addr_set_v4(bytes, family, addr[3]);
		return;
	}
	__builtin_memcpy(bytes, addr, 16);
	*family = 6;
}
