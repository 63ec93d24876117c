/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands in for curl on a machine without one: `curl [OPTION]... http://ADDRESS:PORT/PATH`, and
 * sends what a GET would send. Looked up last in the lying server's PATH.
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	char address[16] = "", path[256] = "/", request[512];
	_cleanup_fd_ int sock = -1;
	unsigned port = 80;
	int length;

	if (argc < 2 ||
	    sscanf(argv[argc - 1], "http://%15[0-9.]:%u%255s", address, &port, path) < 2 ||
	    inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return 3;
	to.sin_port = htons((uint16_t)port);
	sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || connect(sock, (struct sockaddr *)&to, sizeof(to)) < 0)
		return 7;
	length = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path,
			  address);
	if (send(sock, request, (size_t)length, MSG_NOSIGNAL) < 0)
		return 55;
	while (recv(sock, request, sizeof(request), 0) > 0)
		;
	return 0;
}
