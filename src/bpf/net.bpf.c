// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the session asks of the network, at the cgroup: connect (TCP, UDP, and TCP fast open, which
 * never calls connect()), datagrams with an address, bind. Where the session has a policy it decides;
 * else these programs only look, and return 1, allow.
 *
 * The cgroup, the uppermost one, is only where the programs hang; who it is is told by the task's
 * tag.
 */

#include "addr.h"
#include "gap.h"
#include "say.h"

/* ctx fields are converted by the kernel, so each is read with a constant offset and width. */
static __always_inline void dst_of(struct bpf_sock_addr *ctx, bool v6, struct mf_ev_net *net)
{
	__u32 addr[4];

	if (!v6) {
		addr_set_v4(net->addr, &net->family, ctx->user_ip4);
		return;
	}
	addr[0] = ctx->user_ip6[0];
	addr[1] = ctx->user_ip6[1];
	addr[2] = ctx->user_ip6[2];
	addr[3] = ctx->user_ip6[3];
	addr_set_v6(net->addr, &net->family, addr);
}

static __always_inline void net_of(struct bpf_sock_addr *ctx, __u16 kind, bool v6,
				   struct mf_ev_net *net)
{
	dst_of(ctx, v6, net);
	net->port = bpf_ntohs(ctx->user_port);
	net->type = ctx->type;
	net->proto = ctx->protocol;
	net->cookie = bpf_get_socket_cookie(ctx);
	if (kind == MF_EV_BIND) {
		__builtin_memcpy(net->local, net->addr, sizeof(net->local));
		net->local_port = net->port;
	}
}

/* 0: it is refused */
static __always_inline int ask(struct bpf_sock_addr *ctx, __u16 kind, bool v6)
{
	struct mf_ev_net net = {};
	struct mf_event *event;
	struct actor actor;
	struct place *place;
	bool refused;
	__u64 flags;

	if (!actor_is_ours(&actor, SELDOM))
		return !refuse_unseen(actor.tag);
	place = place_take(&actor);
	if (!place)
		return !refuse_unseen(actor.tag);
	gap_check(bpf_get_current_task_btf(), actor.tag, &place->who, actor.stamp);
	net_of(ctx, kind, v6, &net);
	access_address(&place->deciding, &net, kind == MF_EV_BIND ? MF_POL_LISTEN : MF_POL_CONNECT);
	place_decide(place, &actor);
	refused = place_verdict(place);
	event = event_reserve(kind, sizeof(*event) + sizeof(net), !refused, actor.stamp,
			      &place->who, &flags);
	if (event) {
		event->decision = place->deciding.out;
		__builtin_memcpy(event + 1, &net, sizeof(net));
		event_submit(event, actor.tag, flags);
	}
	place_leave(place);
	return !refused;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	return ask(ctx, MF_EV_CONNECT, false);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	return ask(ctx, MF_EV_CONNECT, true);
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx)
{
	return ask(ctx, MF_EV_SEND, false);
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx)
{
	return ask(ctx, MF_EV_SEND, true);
}

SEC("cgroup/bind4")
int bind4(struct bpf_sock_addr *ctx)
{
	return ask(ctx, MF_EV_BIND, false);
}

SEC("cgroup/bind6")
int bind6(struct bpf_sock_addr *ctx)
{
	return ask(ctx, MF_EV_BIND, true);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
