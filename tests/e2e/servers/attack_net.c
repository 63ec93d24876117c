/* SPDX-License-Identifier: BSD-2-Clause */
/* The network: by other system calls, other forms of an address, other eyes. IP is one of loopback. */
#include "attack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int socket_of(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		absent("socket");
	return fd;
}

/* E01 */

struct uring {
	int fd;
	unsigned enter; /* flags */
	uint8_t *rings;
	struct io_uring_sqe *sqes;
	struct io_uring_params params;
};

static void uring_open(struct uring *uring, unsigned flags)
{
	size_t size;

	*uring = (struct uring){ .params.flags = flags, .enter = IORING_ENTER_GETEVENTS };
	if (flags & IORING_SETUP_SQPOLL)
		uring->enter |= IORING_ENTER_SQ_WAKEUP;
	uring->params.sq_thread_idle = 1000;
	uring->fd = (int)syscall(SYS_io_uring_setup, 4, &uring->params);
	if (uring->fd < 0)
		absent("io_uring");
	size = uring->params.cq_off.cqes + uring->params.cq_entries * sizeof(struct io_uring_cqe) +
	       4096;
	uring->rings =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, uring->fd, IORING_OFF_SQ_RING);
	uring->sqes = mmap(NULL, uring->params.sq_entries * sizeof(*uring->sqes),
			   PROT_READ | PROT_WRITE, MAP_SHARED, uring->fd, IORING_OFF_SQES);
	if (uring->rings == MAP_FAILED || uring->sqes == MAP_FAILED)
		absent("io_uring's rings");
}

static int uring_do(struct uring *uring, const struct io_uring_sqe *sqe)
{
	const struct io_sqring_offsets *sq = &uring->params.sq_off;
	const struct io_cqring_offsets *cq = &uring->params.cq_off;
	uint32_t *tail = (void *)(uring->rings + sq->tail);
	uint32_t *head = (void *)(uring->rings + cq->head);
	uint32_t at = *tail & (uring->params.sq_entries - 1);
	struct io_uring_cqe *cqe;

	uring->sqes[at] = *sqe;
	((uint32_t *)(void *)(uring->rings + sq->array))[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, uring->fd, 1, 1, uring->enter, NULL, 0) < 0)
		broken("io_uring_enter");
	cqe = (void *)(uring->rings + cq->cqes);
	cqe += *head & (uring->params.cq_entries - 1);
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return cqe->res;
}

static void by_uring(char **args, unsigned setup)
{
	struct sockaddr_in to = to_v4(args[1], atoi(args[2]));
	struct sockaddr_in datagram = to_v4(args[1], atoi(args[2]) + 1);
	struct iovec byte = { .iov_base = args[0], .iov_len = 1 };
	struct msghdr msg = { .msg_name = &datagram,
			      .msg_namelen = sizeof(datagram),
			      .msg_iov = &byte,
			      .msg_iovlen = 1 };
	struct io_uring_sqe sqe = { .opcode = IORING_OP_OPENAT,
				    .fd = AT_FDCWD,
				    .addr = (uintptr_t)args[0],
				    .open_flags = O_RDWR };
	struct uring uring;

	uring_open(&uring, setup);
	if (uring_do(&uring, &sqe) < 0)
		broken("open");
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_CONNECT,
				     .fd = socket_of(AF_INET, SOCK_STREAM),
				     .addr = (uintptr_t)&to,
				     .off = sizeof(to) };
	uring_do(&uring, &sqe); /* nobody listens */
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_SENDMSG,
				     .fd = socket_of(AF_INET, SOCK_DGRAM),
				     .addr = (uintptr_t)&msg };
	if (uring_do(&uring, &sqe) != 1)
		broken("send");
}

/* PATH IP PORT: TCP to PORT, a datagram to PORT + 1 */
static void uring_plain(char **args)
{
	by_uring(args, 0);
}

static void uring_polled(char **args)
{
	by_uring(args, IORING_SETUP_SQPOLL);
}

/* E02 */

static struct sockaddr_in shared_address;
static uint16_t ports[2];
static volatile bool racing;

static void *rewrite_address(void *data)
{
	unsigned i = 0;

	while (racing)
		*(volatile uint16_t *)&shared_address.sin_port = ports[i++ & 1];
	return data;
}

/* IP PORT ROUNDS: connected datagram sockets, which know where they really go to */
static void race_address(char **args)
{
	int seen[2] = {}, i;
	pthread_t thread;

	shared_address = to_v4(args[0], atoi(args[1]));
	ports[0] = shared_address.sin_port;
	ports[1] = htons((uint16_t)(atoi(args[1]) + 1));
	racing = true;
	pthread_create(&thread, NULL, rewrite_address, NULL);
	for (i = 0; i < atoi(args[2]); i++) {
		int fd = socket_of(AF_INET, SOCK_DGRAM);
		struct sockaddr_in peer;
		socklen_t len = sizeof(peer);

		if (connect(fd, (struct sockaddr *)&shared_address, sizeof(shared_address)) ||
		    getpeername(fd, (struct sockaddr *)&peer, &len))
			broken("connect");
		seen[peer.sin_port == ports[1]]++;
		close(fd);
	}
	racing = false;
	pthread_join(thread, NULL);
	report("connected %d %d", seen[0], seen[1]);
}

/* E03: the 32-bit system calls, whose pointers are below 4 GiB */

static long compat(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

#define COMPAT_OPEN 5
#define COMPAT_CONNECT 362

/* PATH IP PORT */
static void by_compat(char **args)
{
	struct sockaddr_in to = to_v4(args[1], atoi(args[2]));
	char *low = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (low == MAP_FAILED)
		broken("memory below 4 GiB");
	strcpy(low, args[0]);
	memcpy(low + 4096, &to, sizeof(to));
	report("tries"); /* a kernel without them ends us here */
	errno = ENOSYS;
	if (compat(COMPAT_OPEN, (long)low, O_RDWR, 0) < 0)
		absent("open by int 0x80");
	compat(COMPAT_CONNECT, socket_of(AF_INET, SOCK_STREAM), (long)low + 4096, sizeof(to));
}

/* E04: IP PORT: the SYN of the first goes to PORT, of the second to PORT + 1 */
static void fast_open(char **args)
{
	struct sockaddr_in to = to_v4(args[0], atoi(args[1]));
	int fd = socket_of(AF_INET, SOCK_STREAM), on = 1;

	sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof(to));
	to.sin_port = htons((uint16_t)(atoi(args[1]) + 1));
	fd = socket_of(AF_INET, SOCK_STREAM);
	if (setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)))
		absent("TCP_FASTOPEN_CONNECT");
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
		send(fd, "x", 1, MSG_NOSIGNAL);
}

/* E05: IP PORT: sendto, sendmsg, and two by sendmmsg, to PORT and the next ones */
static void datagrams(char **args)
{
	struct sockaddr_in to[4];
	struct iovec byte = { .iov_base = args[0], .iov_len = 1 };
	struct mmsghdr many[4] = {};
	int fd = socket_of(AF_INET, SOCK_DGRAM), i;

	for (i = 0; i < 4; i++) {
		to[i] = to_v4(args[0], atoi(args[1]) + i);
		many[i].msg_hdr = (struct msghdr){ .msg_name = &to[i],
						   .msg_namelen = sizeof(to[i]),
						   .msg_iov = &byte,
						   .msg_iovlen = 1 };
	}
	if (sendto(fd, "x", 1, 0, (struct sockaddr *)&to[0], sizeof(to[0])) != 1 ||
	    sendmsg(fd, &many[1].msg_hdr, 0) != 1 || sendmmsg(fd, many + 2, 2, 0) != 2)
		broken("send");
}

/* E08: IP PORT: each form goes to the next port */
static void odd_addresses(char **args)
{
	int port = atoi(args[1]), six = socket_of(AF_INET6, SOCK_DGRAM);
	struct sockaddr_in four = to_v4(args[0], port);
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6,
				       .sin6_port = htons((uint16_t)(port + 1)) };
	struct sockaddr_in6 scoped = { .sin6_family = AF_INET6,
				       .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				       .sin6_scope_id = 1,
				       .sin6_port = htons((uint16_t)(port + 3)) };

	/* AF_UNSPEC counts as AF_INET on a socket of that family */
	four.sin_family = AF_UNSPEC;
	sendto(socket_of(AF_INET, SOCK_DGRAM), "x", 1, 0, (struct sockaddr *)&four, sizeof(four));
	mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&mapped.sin6_addr.s6_addr[12], &four.sin_addr, 4);
	sendto(six, "x", 1, 0, (struct sockaddr *)&mapped, sizeof(mapped));
	/* an address of the other family on a v6 socket */
	four.sin_family = AF_INET;
	four.sin_port = htons((uint16_t)(port + 2));
	sendto(six, "x", 1, 0, (struct sockaddr *)&four, sizeof(four));
	/* without the scope that is there: SIN6_LEN_RFC2133 */
	sendto(six, "x", 1, 0, (struct sockaddr *)&scoped, 24);
	scoped.sin6_port = htons((uint16_t)(port + 4));
	sendto(six, "x", 1, 0, (struct sockaddr *)&scoped, sizeof(scoped));
}

const struct verb net_verbs[] = {
	{ "uring", 3, uring_plain },	       { "uring-polled", 3, uring_polled },
	{ "race-address", 3, race_address },   { "compat", 3, by_compat },
	{ "fast-open", 2, fast_open },	       { "datagrams", 2, datagrams },
	{ "odd-addresses", 2, odd_addresses }, { 0 },
};
