/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two ends that the lying server talks to: its internal service on 127.0.0.1:PORT, and what
 * stands for the outside, 198.51.100.42:443, an address of the demo's own network namespace.
 * Says "ready", then on SIGTERM what arrived:
 *
 *	internal CONNECTIONS BYTES
 *	outside CONNECTIONS BYTES
 */

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"

#define ANSWER "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n"

struct end {
	const char *name;
	const char *address;
	uint16_t port;
	int sock;
	unsigned connections;
	size_t bytes;
};

static int listen_on(struct end *end)
{
	_cleanup_fd_ int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(end->port) };
	const int one = 1;

	if (sock < 0 || inet_pton(AF_INET, end->address, &at.sin_addr) != 1)
		return -errno;
	if (setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(sock, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(sock, 16) < 0)
		return -errno;
	end->sock = take_fd(&sock);
	return 0;
}

/* One request of one client, answered and closed. */
static void serve(struct end *end)
{
	_cleanup_fd_ int sock = accept4(end->sock, NULL, NULL, SOCK_CLOEXEC);
	const struct timeval timeout = { .tv_sec = 2 };
	char request[2048] = "";
	size_t length = 0;
	ssize_t size;

	if (sock < 0)
		return;
	end->connections++;
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	do {
		size = recv(sock, request + length, sizeof(request) - 1 - length, 0);
		if (size <= 0)
			break;
		length += (size_t)size;
		request[length] = '\0';
	} while (!strstr(request, "\r\n\r\n") && length < sizeof(request) - 1);
	end->bytes += length;
	if (send(sock, ANSWER, sizeof(ANSWER) - 1, MSG_NOSIGNAL) < 0)
		perror("service: send");
}

int main(int argc, char **argv)
{
	struct end ends[] = { { .name = "internal", .address = "127.0.0.1", .port = 8042 },
			      { .name = "outside", .address = "198.51.100.42", .port = 443 } };
	_cleanup_fd_ int signals = -1;
	struct pollfd fds[3];
	sigset_t ending;

	if (argc > 1)
		ends[0].port = (uint16_t)strtoul(argv[1], NULL, 10);
	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	signals = signalfd(-1, &ending, SFD_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		int r = listen_on(&ends[i]);

		if (r < 0) {
			fprintf(stderr, "service: %s:%u: %s\n", ends[i].address, ends[i].port,
				strerror(-r));
			return 1;
		}
		fds[i] = (struct pollfd){ .fd = ends[i].sock, .events = POLLIN };
	}
	fds[2] = (struct pollfd){ .fd = signals, .events = POLLIN };
	puts("ready");
	fflush(stdout);
	while (poll(fds, 3, -1) > 0 && !fds[2].revents) {
		for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
			if (fds[i].revents)
				serve(&ends[i]);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		printf("%s %u %zu\n", ends[i].name, ends[i].connections, ends[i].bytes);
	return 0;
}
