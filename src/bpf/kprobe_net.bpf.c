// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is asked of the network, by kprobes: as lsm_net.bpf.c.
 */

#include "say_net.h"

SEC("kprobe/security_socket_connect")
int BPF_KPROBE(probe_socket_connect, struct socket *sock, struct sockaddr *address, int len)
{
	say_connect(sock, address, len, false);
	return 0;
}

SEC("kprobe/security_socket_sendmsg")
int BPF_KPROBE(probe_socket_sendmsg, struct socket *sock, struct msghdr *msg)
{
	say_send(sock, msg, false);
	return 0;
}

SEC("kprobe/security_socket_bind")
int BPF_KPROBE(probe_socket_bind, struct socket *sock, struct sockaddr *address, int len)
{
	say_bind(sock, address, len, false);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
