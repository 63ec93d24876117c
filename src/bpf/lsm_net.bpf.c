// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is asked of the network, by the LSM hooks.
 */

#include "say_net.h"

SEC("lsm/socket_connect")
int BPF_PROG(socket_connect, struct socket *sock, struct sockaddr *address, int len)
{
	return say_connect(sock, address, len, true);
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(socket_sendmsg, struct socket *sock, struct msghdr *msg)
{
	return say_send(sock, msg, true);
}

SEC("lsm/socket_bind")
int BPF_PROG(socket_bind, struct socket *sock, struct sockaddr *address, int len)
{
	return say_bind(sock, address, len, true);
}

SEC("lsm/socket_listen")
int BPF_PROG(socket_listen, struct socket *sock)
{
	return say_listen(sock);
}

SEC("lsm/socket_accept")
int BPF_PROG(socket_accept, struct socket *sock)
{
	say_accept(sock);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
