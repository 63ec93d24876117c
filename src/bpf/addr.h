/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Addresses, normalised: a v4-mapped v6 address is the v4 address that it stands for.
 */

#include "compat.h"

#include "abi/event.h"

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

/* Both ends of a socket, as it has them now */
static __always_inline void addresses_of(const struct sock *sk, struct mf_ev_net *net)
{
	const struct sock_common *c = &sk->__sk_common;
	__u32 addr[4];
	__u8 family;

	if (BPF_CORE_READ(c, skc_family) == AF_INET6) {
		bpf_core_read(addr, sizeof(addr), &c->skc_v6_daddr);
		addr_set_v6(net->addr, &net->family, addr);
		bpf_core_read(addr, sizeof(addr), &c->skc_v6_rcv_saddr);
		addr_set_v6(net->local, &family, addr);
	} else {
		addr_set_v4(net->addr, &net->family, BPF_CORE_READ(c, skc_daddr));
		addr_set_v4(net->local, &family, BPF_CORE_READ(c, skc_rcv_saddr));
	}
	net->port = bpf_ntohs(BPF_CORE_READ(c, skc_dport));
	net->local_port = BPF_CORE_READ(c, skc_num);
}
