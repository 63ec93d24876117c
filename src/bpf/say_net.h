/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What is asked of the network, from a hook that has the socket and an address in the kernel's own
 * memory: no other thread can change it any more.
 */

#include "addr.h"
#include "say_act.h"

/* include/linux/socket.h */
#define AF_UNSPEC 0
#define AF_UNIX 1
#define MSG_FASTOPEN 0x20000000
/* include/linux/net.h */
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
/* include/uapi/linux/in.h, in6.h */
#define IPPROTO_UDP 17
#define SOCKADDR_IN_LEN_MIN 8 /* family, port, address */
#define SOCKADDR_IN6_LEN_MIN 24 /* without the scope id: SIN6_LEN_RFC2133 */

struct sockaddr_bytes {
	__u16 family;
	__u16 port;
	__u32 addr4_or_flow;
	__u32 addr6[4];
};

/* Whether it is an internet address for this socket; fills family, addr and port. */
static __always_inline bool address_read(const void *from, int len, __u16 sk_family,
					 struct mf_ev_net *net)
{
	struct sockaddr_bytes bytes = {};

	if (len < SOCKADDR_IN_LEN_MIN)
		return false;
	if (bpf_probe_read_kernel(&bytes, SOCKADDR_IN_LEN_MIN, from))
		return false;
	net->port = bpf_ntohs(bytes.port);
	/* the kernel takes AF_UNSPEC for AF_INET where it takes AF_INET */
	if (bytes.family == AF_INET || (bytes.family == AF_UNSPEC && sk_family == AF_INET)) {
		addr_set_v4(net->addr, &net->family, bytes.addr4_or_flow);
		return true;
	}
	if (bytes.family != AF_INET6 || len < SOCKADDR_IN6_LEN_MIN ||
	    bpf_probe_read_kernel(&bytes, sizeof(bytes), from))
		return false;
	addr_set_v6(net->addr, &net->family, bytes.addr6);
	return true;
}

/* The socket's number. Only a hook whose arguments the verifier knows may ask for it to be given one;
 * 0: it has none yet. */
static __always_inline __u64 cookie_of(struct socket *sock, bool known)
{
	struct sock *sk;

	if (!known)
		return BPF_CORE_READ(sock, sk, __sk_common.skc_cookie.counter);
	sk = sock->sk;
	return sk ? bpf_get_socket_cookie((void *)sk) : 0;
}

/*
 * What is sent on it before anything else is in flight is the connect's own. But what is connected
 * already stays as it is: a stream for certain, datagrams perhaps, so that who opened is not known.
 */
static __always_inline void link_opened(struct socket *sock, const struct actor *actor,
					const struct mf_who *who)
{
	struct sock *sk = sock->sk;
	struct mf_link *link;
	bool again;

	if (!sk)
		return;
	again = BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_CLOSE;
	if (again && BPF_CORE_READ(sk, sk_type) == SOCK_STREAM)
		return;
	link = bpf_sk_storage_get(&links, (void *)sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!link) {
		count_loss(actor->tag, MF_LOSS_TAG);
		return;
	}
	if (again) {
		__builtin_memset(link, 0, sizeof(*link));
		link->session = actor->tag->session;
		link->own = 1;
		return;
	}
	link->own = 1;
	link->session = actor->tag->session;
	link->opened_ns = bpf_ktime_get_ns();
	link->opened_stamp = link->told_stamp = actor->stamp;
	link->opener_birth = link->told_birth = actor->tag->birth;
	link->opener_start_ns = who->start_ns;
	link->opener_pid = who->pid;
	link->told = 1;
}

static __always_inline bool link_is_told(const struct mf_link *link, const struct actor *actor)
{
	return link->told && link->session == actor->tag->session &&
	       link->told_stamp == actor->stamp && link->told_birth == actor->tag->birth;
}

/*
 * Where a datagram goes that is held back to be sent with more (MSG_MORE, UDP_CORK): what is added to
 * it goes there too, whatever address is given with it (udp_sendmsg(), udpv6_sendmsg()).
 */
static __always_inline bool held_back_read(const struct sock *sk, struct mf_ev_net *net)
{
	const struct inet_cork_full *cork = &((const struct inet_sock *)sk)->cork;
	__u32 addr[4];

	if (BPF_CORE_READ(sk, sk_type) != SOCK_DGRAM ||
	    BPF_CORE_READ(sk, sk_protocol) != IPPROTO_UDP)
		return false;
	switch (BPF_CORE_READ((const struct udp_sock *)sk, pending)) {
	case AF_INET:
		addr_set_v4(net->addr, &net->family, BPF_CORE_READ(cork, fl.u.ip4.daddr));
		net->port = bpf_ntohs(BPF_CORE_READ(cork, fl.u.ip4.uli.ports.dport));
		return true;
	case AF_INET6:
		bpf_core_read(addr, sizeof(addr), &cork->fl.u.ip6.daddr);
		addr_set_v6(net->addr, &net->family, addr);
		net->port = bpf_ntohs(BPF_CORE_READ(cork, fl.u.ip6.uli.ports.dport));
		return true;
	default:
		return false;
	}
}

/* The body that is being put together: off the stack, which is short */
static __always_inline struct mf_ev_net *net_in(struct place *place)
{
	struct mf_ev_net *net = (void *)place->rest;

	__builtin_memset(net, 0, sizeof(*net));
	return net;
}

/* Tells of it; takes the place's leave. This, and what follows, returns whether it is refused: 0, or
 * MF_REFUSED. */
static __always_inline int net_say(struct place *place, __u16 kind, const struct actor *actor)
{
	int verdict = place_verdict(place);
	struct mf_event *event;
	__u64 flags;

	event = event_reserve(kind, sizeof(*event) + sizeof(struct mf_ev_net), !verdict,
			      actor->stamp, &place->who, &flags);
	if (event) {
		event->decision = place->deciding.out;
		__builtin_memcpy(event + 1, place->rest, sizeof(struct mf_ev_net));
		event_submit(event, actor->tag, flags);
	}
	place_leave(place);
	return verdict;
}

#define NET_NO_ADDRESS 1

/* NET_NO_ADDRESS: there is no internet address */
static __always_inline int say_net(const struct actor *actor, struct socket *sock, __u16 kind,
				   const void *address, int len, bool known)
{
	struct sock *sk = BPF_CORE_READ(sock, sk);
	__u16 sk_family = BPF_CORE_READ(sk, __sk_common.skc_family);
	struct mf_ev_net *net;
	struct place *place;

	if (sk_family != AF_INET && sk_family != AF_INET6)
		return NET_NO_ADDRESS;
	place = place_take(actor);
	if (!place)
		return refuse_unseen(actor->tag);
	net = net_in(place);
	if (!(kind == MF_EV_SEND && held_back_read(sk, net)) &&
	    !address_read(address, len, sk_family, net)) {
		place_leave(place);
		return NET_NO_ADDRESS;
	}
	net->type = BPF_CORE_READ(sk, sk_type);
	net->proto = BPF_CORE_READ(sk, sk_protocol);
	net->cookie = cookie_of(sock, known);
	if (kind == MF_EV_BIND) {
		__builtin_memcpy(net->local, net->addr, sizeof(net->local));
		net->local_port = net->port;
	}
	access_address(&place->deciding, net, kind == MF_EV_BIND ? MF_POL_LISTEN : MF_POL_CONNECT);
	place_decide(place, actor);
	if (kind == MF_EV_CONNECT && known && !place_verdict(place))
		link_opened(sock, actor, &place->who);
	return net_say(place, kind, actor);
}

/* An address that is none of the internet's, or too short, on a socket of the internet: the protocol will
 * not take it, or takes what is not known here. */
static __always_inline int no_address(const struct actor *actor, struct socket *sock)
{
	__u16 family = BPF_CORE_READ(sock, sk, __sk_common.skc_family);

	return family == AF_INET || family == AF_INET6 ? refuse_unseen(actor->tag) : 0;
}

static __always_inline int say_connect(struct socket *sock, struct sockaddr *address, int len,
				       bool known)
{
	struct actor actor;
	int verdict;

	if (!actor_is_ours(&actor, OFTEN))
		return refuse_unseen(actor.tag);
	/* AF_UNSPEC takes a connection apart */
	if (BPF_CORE_READ(address, sa_family) == AF_UNSPEC)
		return 0;
	verdict = say_net(&actor, sock, MF_EV_CONNECT, address, len, known);
	return verdict == NET_NO_ADDRESS ? no_address(&actor, sock) : verdict;
}

/* Of an abstract name; at a path it is the making of a file. */
static __always_inline int say_local_bind(const struct actor *actor, struct socket *sock,
					  const void *address, int len)
{
	struct act_place act;
	char first = 0;

	if (!(actor->tag->flags & MF_TAGF_POLICY) || len <= SUN_PATH_AT)
		return 0;
	bpf_probe_read_kernel(&first, 1, address + SUN_PATH_AT);
	if (first)
		return 0;
	if (!act_begins(&act))
		return act_unseen(&act);
	act.body->number = BPF_CORE_READ(sock, type);
	act_abstract(&act, address + SUN_PATH_AT + 1, len - SUN_PATH_AT - 1, MF_POL_LISTEN);
	return act_say(&act, MF_EV_UNIX_BIND);
}

static __always_inline int say_bind(struct socket *sock, struct sockaddr *address, int len,
				    bool known)
{
	struct actor actor;
	int verdict;

	if (!actor_is_ours(&actor, SELDOM))
		return refuse_unseen(actor.tag);
	if (BPF_CORE_READ(sock, sk, __sk_common.skc_family) == AF_UNIX)
		return say_local_bind(&actor, sock, address, len);
	verdict = say_net(&actor, sock, MF_EV_BIND, address, len, known);
	return verdict == NET_NO_ADDRESS ? no_address(&actor, sock) : verdict;
}

static __always_inline void link_copy(const struct mf_link *link, struct mf_ev_send_on *send)
{
	send->opened_ns = link->opened_ns;
	send->opened_stamp = link->opened_stamp;
	send->opener_birth = link->opener_birth;
	send->opener_start_ns = link->opener_start_ns;
	send->opener_pid = link->opener_pid;
}

/* No connect of this session was seen: it was accepted, inherited or received. */
static __always_inline bool is_from_outside(const struct mf_link *link, const struct actor *actor)
{
	return link->session != actor->tag->session || !link->own;
}

/*
 * On a connection that is there: once for each that is opened, inherited, accepted or received, and
 * again whenever what is in flight has changed, or a process of another birth sends.
 */
static __always_inline int say_send_on(const struct actor *actor, struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct mf_ev_send_on *send;
	struct mf_event *event;
	struct mf_ev_net *net;
	struct mf_link *link;
	struct place *place;
	__u16 family;
	__u64 flags;
	int verdict;

	if (!sk)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != AF_INET && family != AF_INET6)
		return 0;
	/* neither connected now nor, as a stream with data left, before; raw sockets have no port */
	if (!BPF_CORE_READ(sk, __sk_common.skc_dport) &&
	    BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_ESTABLISHED)
		return 0;
	link = bpf_sk_storage_get(&links, (void *)sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!link) {
		count_loss(actor->tag, MF_LOSS_TAG);
		return refuse_unseen(actor->tag);
	}
	if (link_is_told(link, actor))
		return 0;
	bpf_get_socket_cookie((void *)sk); /* from now on it has one */
	place = place_take(actor);
	if (!place)
		return refuse_unseen(actor->tag);
	net = net_in(place);
	addresses_of(sk, net);
	access_address(&place->deciding, net, MF_POL_CONNECT);
	if (is_from_outside(link, actor))
		undecided(&place->deciding);
	else
		place_decide(place, actor);
	verdict = place_verdict(place);
	event = event_reserve(MF_EV_SEND_ON, sizeof(*event) + sizeof(*send), !verdict, actor->stamp,
			      &place->who, &flags);
	if (!event) { /* counted; told again with the next one */
		place_leave(place);
		return verdict;
	}
	event->decision = place->deciding.out;
	send = (void *)(event + 1);
	__builtin_memset(send, 0, sizeof(*send));
	send->net = *net;
	send->net.type = BPF_CORE_READ(sk, sk_type);
	send->net.proto = BPF_CORE_READ(sk, sk_protocol);
	send->net.cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	if (link->session == actor->tag->session)
		link_copy(link, send);
	link->session = actor->tag->session;
	link->told_stamp = actor->stamp;
	link->told_birth = actor->tag->birth;
	link->told = !verdict; /* what is refused is asked again */
	event_submit(event, actor->tag, flags);
	place_leave(place);
	return verdict;
}

static __always_inline int say_send(struct socket *sock, struct msghdr *msg, bool known)
{
	struct actor actor;
	int verdict;
	bool stream;
	void *name;

	if (!actor_is_ours(&actor, SELDOM))
		return refuse_unseen(actor.tag);
	name = BPF_CORE_READ(msg, msg_name);
	stream = BPF_CORE_READ(sock, type) == SOCK_STREAM;
	/* a stream ignores the name, but for TCP fast open, which connects by it */
	if (stream && !(BPF_CORE_READ(msg, msg_flags) & MSG_FASTOPEN))
		name = NULL;
	if (name || !stream) {
		verdict = say_net(&actor, sock, stream ? MF_EV_CONNECT : MF_EV_SEND, name,
				  BPF_CORE_READ(msg, msg_namelen), known);
		if (verdict != NET_NO_ADDRESS)
			return verdict;
	}
	/* without one, or with one that stands for none: AF_UNSPEC on an IPv6 socket */
	return known ? say_send_on(&actor, sock) : 0;
}

static __always_inline void own_address(const struct sock *sk, struct mf_ev_net *net)
{
	__u32 addr[4];

	switch (BPF_CORE_READ(sk, __sk_common.skc_family)) {
	case AF_INET:
		addr_set_v4(net->addr, &net->family, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		break;
	case AF_INET6:
		bpf_core_read(addr, sizeof(addr), &sk->__sk_common.skc_v6_rcv_saddr);
		addr_set_v6(net->addr, &net->family, addr);
		break;
	default:
		return;
	}
	net->port = net->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	__builtin_memcpy(net->local, net->addr, sizeof(net->local));
	net->type = BPF_CORE_READ(sk, sk_type);
	net->proto = BPF_CORE_READ(sk, sk_protocol);
	net->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
}

/* The own address only: whose connection it will be is not known before one comes. */
static __always_inline void say_accept(struct socket *sock)
{
	struct mf_ev_net *net;
	struct actor actor;
	struct place *place;

	if (!actor_is_ours(&actor, SELDOM))
		return;
	place = place_take(&actor);
	if (!place)
		return;
	net = net_in(place);
	own_address(BPF_CORE_READ(sock, sk), net);
	if (net->family)
		net_say(place, MF_EV_ACCEPT, &actor);
	else
		place_leave(place);
}

/* That it listens is told when it does. One that is bound was asked about then; one that is not is bound
 * to any address and port now. */
static __always_inline int say_listen(struct socket *sock)
{
	struct mf_ev_net *net;
	struct actor actor;
	struct place *place;

	if (!actor_is_ours(&actor, SELDOM))
		return refuse_unseen(actor.tag);
	if (!(actor.tag->flags & MF_TAGF_POLICY))
		return 0;
	place = place_take(&actor);
	if (!place)
		return refuse_unseen(actor.tag);
	net = net_in(place);
	own_address(BPF_CORE_READ(sock, sk), net);
	if (net->family && !net->port) {
		access_address(&place->deciding, net, MF_POL_LISTEN);
		place_decide(place, &actor);
		if (place_verdict(place))
			return net_say(place, MF_EV_LISTEN, &actor);
	}
	place_leave(place);
	return 0;
}
