// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is asked of the network, by the LSM hooks. These programs only look.
 */

#include "say_net.h"

SEC("lsm/socket_connect")
int BPF_PROG(socket_connect, struct socket *sock, struct sockaddr *address, int len)
{
	say_connect(sock, address, len, true);
	return 0;
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(socket_sendmsg, struct socket *sock, struct msghdr *msg)
{
	say_send(sock, msg, true);
	return 0;
}

SEC("lsm/socket_bind")
int BPF_PROG(socket_bind, struct socket *sock, struct sockaddr *address, int len)
{
	say_bind(sock, address, len, true);
	return 0;
}

SEC("lsm/socket_accept")
int BPF_PROG(socket_accept, struct socket *sock)
{
	say_accept(sock);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
