// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What TCP really does: a SYN that is about to leave, a handshake that completes or fails, a socket
 * that begins to listen. The end of a handshake comes in whatever context the packet is received
 * in, so it is told about the process that opened the socket, which the socket's storage keeps.
 */

#include "addr.h"
#include "emit.h"

static __always_inline void tell(const struct sock *sk, __u16 kind, const struct mf_who *who,
				 __u64 stamp)
{
	struct mf_event *event;
	struct mf_ev_net *net;
	__u64 flags;

	event = event_reserve(kind, sizeof(*event) + sizeof(*net), true, stamp, who, &flags);
	if (!event)
		return;
	net = (void *)(event + 1);
	__builtin_memset(net, 0, sizeof(*net));
	addresses_of(sk, net);
	net->type = BPF_CORE_READ(sk, sk_type);
	net->proto = BPF_CORE_READ(sk, sk_protocol);
	net->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	if (kind == MF_EV_LISTEN) {
		__builtin_memcpy(net->addr, net->local, sizeof(net->addr));
		net->port = net->local_port;
	}
	event_submit(event, &who->tag, flags);
}

/* In the context of the process that asks: connect() and listen() */
static __always_inline int begin(struct sock *sk, __u16 kind)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mf_tag *tag;
	struct mf_who who;
	__u64 stamp;

	if (is_stranger(task))
		return 0;
	tag = tag_of(task);
	if (!tag)
		return 0;
	stamp = stamp_of(tag);
	if (stamp == MF_NO_STAMP)
		return 0;
	who_of(task, tag, &who);
	bpf_get_socket_cookie((void *)sk); /* from now on it has one */
	if (kind == MF_EV_TCP_SYN &&
	    !bpf_sk_storage_get(&openers, sk, &who, BPF_SK_STORAGE_GET_F_CREATE))
		count_loss(tag, MF_LOSS_TAG);
	if (kind != MF_EV_TCP_SYN || !syn_by_probe)
		tell(sk, kind, &who, stamp);
	return 0;
}

/* Where the SYN is made, after the socket has got its own address and port */
static __always_inline int syn(struct sock *sk)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mf_tag *tag;
	struct mf_who who;
	__u64 stamp;

	if (is_stranger(task))
		return 0;
	tag = tag_of(task);
	if (!tag)
		return 0;
	stamp = stamp_of(tag);
	if (stamp == MF_NO_STAMP)
		return 0;
	who_of(task, tag, &who);
	tell(sk, MF_EV_TCP_SYN, &who, stamp);
	return 0;
}

static __always_inline int end(struct sock *sk, __u16 kind)
{
	struct mf_who *opener;
	struct mf_who who;
	__u64 stamp;

	if (!sk->sk_bpf_storage) /* as of nearly all outside of sessions: told by one load */
		return 0;
	opener = bpf_sk_storage_get(&openers, sk, 0, 0);
	if (!opener)
		return 0;
	who = *opener;
	bpf_sk_storage_delete(&openers, sk);
	stamp = stamp_of(&who.tag);
	if (stamp == MF_NO_STAMP)
		return 0;
	tell(sk, kind, &who, stamp);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, struct sock *sk, int oldstate, int newstate)
{
	if (sk->sk_protocol == IPPROTO_MPTCP) /* its subflows have the addresses */
		return 0;
	if (newstate == TCP_SYN_SENT)
		return begin(sk, MF_EV_TCP_SYN);
	if (newstate == TCP_LISTEN)
		return begin(sk, MF_EV_LISTEN);
	/* by way of SYN_RECV where both ends connect to each other */
	if (newstate == TCP_ESTABLISHED && (oldstate == TCP_SYN_SENT || oldstate == TCP_SYN_RECV))
		return end(sk, MF_EV_TCP_OPEN);
	if (newstate == TCP_CLOSE && (oldstate == TCP_SYN_SENT || oldstate == TCP_SYN_RECV))
		return end(sk, MF_EV_TCP_FAIL);
	return 0;
}

SEC("fentry/tcp_connect")
int BPF_PROG(tcp_connect, struct sock *sk)
{
	return syn(sk);
}

SEC("kprobe/tcp_connect")
int BPF_KPROBE(probe_tcp_connect, struct sock *sk)
{
	return syn(sk);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
