/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network. IP PORT is where somebody listens, for streams and datagrams, whom the policy does not
 * let anybody reach; OK_IP OK_PORT whom it does.
 */
#include "breach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_alg.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define TO(addr) (const struct sockaddr *)&(addr), sizeof(addr)

static int socket_of(int family, int type, int protocol)
{
	return socket(family, type | SOCK_CLOEXEC, protocol);
}

/* E04, E05, E08: IP PORT */
static void streams(char **args)
{
	struct sockaddr_in to = to_v4(args[0], args[1]);
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = to.sin_port };
	int on = 1, fd = socket_of(AF_INET, SOCK_STREAM, 0);

	mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&mapped.sin6_addr.s6_addr[12], &to.sin_addr, 4);
	said("connect", connect(fd, TO(to)));
	said("fast-open", sendto(fd, "x", 1, MSG_FASTOPEN, TO(to)));
	fd = socket_of(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on));
	said("fast-open-connect", connect(fd, TO(to)));
	said("mapped", connect(socket_of(AF_INET6, SOCK_STREAM, 0), TO(mapped)));
	said("mptcp", connect(socket_of(AF_INET, SOCK_STREAM, IPPROTO_MPTCP), TO(to)));
	said("mptcp-fast-open",
	     sendto(socket_of(AF_INET, SOCK_STREAM, IPPROTO_MPTCP), "x", 1, MSG_FASTOPEN, TO(to)));
}

static long by_sendmsg(int fd, const struct sockaddr_in *to)
{
	struct iovec byte = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
	struct mmsghdr msg = { .msg_hdr = { .msg_name = (void *)to,
					    .msg_namelen = sizeof(*to),
					    .msg_iov = &byte,
					    .msg_iovlen = 1 } };

	return sendmmsg(fd, &msg, 1, 0);
}

static void datagrams(char **args)
{
	struct sockaddr_in to = to_v4(args[0], args[1]), ok = to_v4(args[2], args[3]);
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = to.sin_port };
	int fd = socket_of(AF_INET, SOCK_DGRAM, 0), six = socket_of(AF_INET6, SOCK_DGRAM, 0);

	mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&mapped.sin6_addr.s6_addr[12], &to.sin_addr, 4);
	said("sendto", sendto(fd, "x", 1, 0, TO(to)));
	said("sendmmsg", by_sendmsg(fd, &to));
	said("mapped", sendto(six, "x", 1, 0, TO(mapped)));
	said("other-family", sendto(six, "x", 1, 0, TO(to)));
	said("connect", connect(socket_of(AF_INET, SOCK_DGRAM, 0), TO(to)));
	said("connect-six", connect(six, TO(to)));
	to.sin_family = AF_UNSPEC;
	said("unspec", sendto(fd, "x", 1, 0, TO(to)));
	to.sin_family = AF_INET;
	said("corked-allowed", sendto(fd, "a", 1, MSG_MORE, TO(ok)));
	said("corked-other", sendto(fd, "b", 1, 0, TO(to)));
	said("connect-allowed", connect(fd, TO(ok)));
	said("connected-to-other", sendto(fd, "x", 1, 0, TO(to)));
	said("allowed", send(fd, "ok", 2, 0));
}

/* A hop that the packet goes to first, which is not where it is said to go: IP OK_IP OK_PORT PORT */
static void source_routes(char **args)
{
	struct sockaddr_in hop = to_v4(args[0], args[3]), ok = to_v4(args[1], args[2]);
	unsigned char route[8] = { 131, 7, 4, 0, 0, 0, 0, 0 }; /* LSRR */
	char control[CMSG_SPACE(sizeof(route))] = {};
	struct iovec byte = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
	struct msghdr msg = { .msg_name = &ok,
			      .msg_namelen = sizeof(ok),
			      .msg_iov = &byte,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	int fd = socket_of(AF_INET, SOCK_DGRAM, 0);

	memcpy(route + 3, &hop.sin_addr, 4);
	head->cmsg_level = IPPROTO_IP;
	head->cmsg_type = IP_RETOPTS;
	head->cmsg_len = CMSG_LEN(sizeof(route));
	memcpy(CMSG_DATA(head), route, sizeof(route));
	said("by-message", sendmsg(fd, &msg, 0));
	said("setsockopt", setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)));
	said("datagram", sendto(fd, "x", 1, 0, TO(ok)));
	fd = socket_of(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route, sizeof(route));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	said("stream", connect(fd, TO(ok)));
}

/* E06, E07, E09 */
static void families(char **args)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };
	int fd = socket_of(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	(void)args;
	said_fd("raw", socket_of(AF_INET, SOCK_RAW, IPPROTO_RAW));
	said_fd("raw-six", socket_of(AF_INET6, SOCK_RAW, IPPROTO_TCP));
	said_fd("packet", socket_of(AF_PACKET, SOCK_RAW, 0));
	said_fd("packet-datagram", socket_of(AF_PACKET, SOCK_DGRAM, 0));
	said_fd("ping", socket_of(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	said_fd("ping-six", socket_of(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6));
	said_fd("xdp", socket_of(AF_XDP, SOCK_RAW, 0));
	said_fd("sctp", socket_of(AF_INET, SOCK_STREAM, IPPROTO_SCTP));
	said_fd("sctp-packets", socket_of(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP));
	said_fd("dccp", socket_of(AF_INET, SOCK_DCCP, IPPROTO_DCCP));
	said_fd("udp-lite", socket_of(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE));
	said_fd("smc", socket_of(AF_SMC, SOCK_STREAM, 0));
	said_fd("vsock", socket_of(AF_VSOCK, SOCK_STREAM, 0));
	said_fd("alg", socket_of(AF_ALG, SOCK_SEQPACKET, 0));
	said_fd("bluetooth", socket_of(AF_BLUETOOTH, SOCK_RAW, 1));
	said_fd("tipc", socket_of(AF_TIPC, SOCK_DGRAM, 0));
	said_fd("netlink", fd < 0 ? fd : bind(fd, TO(nl)));
}

static socklen_t local_at(const char *name, size_t size, struct sockaddr_un *addr)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(addr->sun_path, name, size);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

static long local(bool binds, int type, const char *name, size_t size)
{
	struct sockaddr_un addr;
	socklen_t len = local_at(name, size, &addr);
	int fd = socket_of(AF_UNIX, type, 0);

	return binds ? bind(fd, (void *)&addr, len) : connect(fd, (void *)&addr, len);
}

static long local_send(const char *name, size_t size)
{
	struct sockaddr_un addr;
	socklen_t len = local_at(name, size, &addr);

	return sendto(socket_of(AF_UNIX, SOCK_DGRAM, 0), "x", 1, 0, (void *)&addr, len);
}

/* E10: STREAM DATAGRAM ABSTRACT OWN: sockets of a broker, by path, by path, and abstract; where one may
 * be bound */
static void brokers(char **args)
{
	char abstract[108] = "";
	size_t size = 1 + strlen(args[2]);

	memcpy(abstract + 1, args[2], size - 1);
	said("stream", local(false, SOCK_STREAM, args[0], strlen(args[0])));
	said("datagram", local_send(args[1], strlen(args[1])));
	said("datagram-connect", local(false, SOCK_DGRAM, args[1], strlen(args[1])));
	said("abstract", local(false, SOCK_STREAM, abstract, size));
	said("abstract-empty", local(false, SOCK_STREAM, "", 1));
	said("bind-abstract", local(true, SOCK_STREAM, "\0mcpfloor-breach", 16));
	said("bind-abstract-empty", local(true, SOCK_DGRAM, "", 1));
	said("bind-outside", local(true, SOCK_STREAM, args[3], strlen(args[3])));
}

/* E37: IP */
static void listens(char **args)
{
	struct sockaddr_in at = to_v4(args[0], "0"), any = to_v4("0.0.0.0", "0");
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

	said("address", bind(socket_of(AF_INET, SOCK_STREAM, 0), TO(at)));
	said("any", bind(socket_of(AF_INET, SOCK_STREAM, 0), TO(any)));
	said("any-six", bind(socket_of(AF_INET6, SOCK_STREAM, 0), TO(six)));
	said("unbound", listen(socket_of(AF_INET, SOCK_STREAM, 0), 1));
	said("unbound-mptcp", listen(socket_of(AF_INET, SOCK_STREAM, IPPROTO_MPTCP), 1));
	any.sin_family = AF_UNSPEC;
	said("unspec", bind(socket_of(AF_INET, SOCK_STREAM, 0), TO(any)));
	said("datagram", bind(socket_of(AF_INET, SOCK_DGRAM, 0), TO(any)));
}

/* E01 */

struct ring {
	int fd;
	uint8_t *rings;
	struct io_uring_sqe *sqes;
	struct io_uring_params params;
};

static bool ring_open(struct ring *ring)
{
	size_t size;

	*ring = (struct ring){};
	ring->fd = (int)syscall(SYS_io_uring_setup, 4, &ring->params);
	if (ring->fd < 0)
		return false;
	size = ring->params.cq_off.cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe) +
	       4096;
	ring->rings =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->sqes = mmap(NULL, ring->params.sq_entries * sizeof(*ring->sqes),
			  PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
	return true;
}

static long ring_do(struct ring *ring, const struct io_uring_sqe *sqe)
{
	const struct io_sqring_offsets *sq = &ring->params.sq_off;
	const struct io_cqring_offsets *cq = &ring->params.cq_off;
	uint32_t *tail = (void *)(ring->rings + sq->tail);
	uint32_t *head = (void *)(ring->rings + cq->head);
	uint32_t at = *tail & (ring->params.sq_entries - 1);
	const struct io_uring_cqe *cqe = (void *)(ring->rings + cq->cqes);

	ring->sqes[at] = *sqe;
	((uint32_t *)(void *)(ring->rings + sq->array))[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -1;
	cqe += *head & (ring->params.cq_entries - 1);
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	if (cqe->res < 0)
		errno = -cqe->res;
	return cqe->res < 0 ? -1 : cqe->res;
}

/* DIR IP PORT, on a ring of `args`; with IOSQE_ASYNC by the kernel's workers */
static void by_ring(struct ring *ring, char **args, uint8_t flags)
{
	const char *kept = in(args[0], "kept"), *new = in(args[0], "out/new");
	struct sockaddr_in to = to_v4(args[1], args[2]);
	struct iovec byte = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
	struct msghdr msg = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &byte, .msg_iovlen = 1
	};
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_OPENAT, .flags = flags, .fd = AT_FDCWD, .addr = (uintptr_t)kept
	};

	said("open", ring_do(ring, &sqe));
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_CONNECT,
				     .flags = flags,
				     .fd = socket_of(AF_INET, SOCK_STREAM, 0),
				     .addr = (uintptr_t)&to,
				     .off = sizeof(to) };
	said("connect", ring_do(ring, &sqe));
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_SENDMSG,
				     .flags = flags,
				     .fd = socket_of(AF_INET, SOCK_DGRAM, 0),
				     .addr = (uintptr_t)&msg };
	said("send", ring_do(ring, &sqe));
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_UNLINKAT,
				     .flags = flags,
				     .fd = AT_FDCWD,
				     .addr = (uintptr_t)kept };
	said("unlink", ring_do(ring, &sqe));
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_RENAMEAT,
				     .flags = flags,
				     .fd = AT_FDCWD,
				     .addr = (uintptr_t)kept,
				     .len = (uint32_t)AT_FDCWD,
				     .addr2 = (uintptr_t) new };
	said("rename", ring_do(ring, &sqe));
	sqe.opcode = IORING_OP_LINKAT;
	said("link", ring_do(ring, &sqe));
	sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_SOCKET, .flags = flags, .fd = AF_PACKET, .off = SOCK_RAW
	};
	said("socket", ring_do(ring, &sqe));
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
				     .flags = flags,
				     .fd = AT_FDCWD,
				     .addr = (uintptr_t)in(args[0], "out/mine"),
				     .open_flags = O_RDWR };
	said("own", ring_do(ring, &sqe));
}

static void uring(char **args)
{
	struct ring ring;

	if (!ring_open(&ring)) {
		said("ring", -1);
		return;
	}
	by_ring(&ring, args, 0);
	by_ring(&ring, args, IOSQE_ASYNC);
}

/* E03: DIR IP PORT: the 32-bit system calls, whose pointers are below 4 GiB */

static long compat(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	if (result < 0)
		errno = (int)-result;
	return result < 0 ? -1 : result;
}

#define COMPAT_OPEN 5
#define COMPAT_UNLINK 10
#define COMPAT_CONNECT 362

static void by_compat(char **args)
{
	struct sockaddr_in to = to_v4(args[1], args[2]);
	char *low = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	snprintf(low, 4096, "%s", in(args[0], "kept"));
	memcpy(low + 4096, &to, sizeof(to));
	said("tries", 0); /* a kernel without them ends us here */
	said("open", compat(COMPAT_OPEN, (long)low, O_RDONLY, 0));
	said("unlink", compat(COMPAT_UNLINK, (long)low, 0, 0));
	said("connect", compat(COMPAT_CONNECT, socket_of(AF_INET, SOCK_STREAM, 0), (long)low + 4096,
			       sizeof(to)));
}

const struct verb net_verbs[] = {
	{ "streams", 2, streams },
	{ "datagrams", 4, datagrams },
	{ "source-routes", 4, source_routes },
	{ "families", 0, families },
	{ "brokers", 4, brokers },
	{ "listens", 1, listens },
	{ "uring", 3, uring },
	{ "compat", 3, by_compat },
	{ 0 },
};
