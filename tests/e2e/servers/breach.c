/* SPDX-License-Identifier: BSD-2-Clause */
/* breach VERB ARG…; see breach.h */
#include "breach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void said(const char *what, long result)
{
	const char *name = result == -1 ? strerrorname_np(errno) : "ok";

	printf("%s %s\n", what, name ? name : "EUNKNOWN");
	fflush(stdout);
}

void said_fd(const char *what, int fd)
{
	said(what, fd);
	if (fd >= 0)
		close(fd);
}

void counted(const char *what, long count)
{
	printf("%s %ld\n", what, count);
	fflush(stdout);
}

void said_child(const char *what, int (*does)(char **args), char **args)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(does(args) ? errno : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		said(what, -1);
		return;
	}
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
	said(what, errno ? -1 : 0);
}

const char *in(const char *dir, const char *name)
{
	static char buffers[32][4200];
	static unsigned next;
	char *path = buffers[next++ & 31];

	snprintf(path, sizeof(buffers[0]), "%s/%s", dir, name);
	return path;
}

struct sockaddr_in to_v4(const char *ip, const char *port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)atoi(port)) };

	if (inet_pton(AF_INET, ip, &addr.sin_addr) != 1)
		_exit(3);
	return addr;
}

static const struct verb *find(const struct verb *verbs, const char *name)
{
	while (verbs->name && strcmp(verbs->name, name) != 0)
		verbs++;
	return verbs->name ? verbs : NULL;
}

int main(int argc, char **argv)
{
	const struct verb *const tables[] = { file_verbs, way_verbs, net_verbs, task_verbs };
	const struct verb *verb = NULL;
	size_t i;

	if (argc < 2)
		return 2;
	for (i = 0; i < 4 && !verb; i++)
		verb = find(tables[i], argv[1]);
	if (!verb || argc - 2 < verb->args)
		return 2;
	verb->act(argv + 2);
	return 0;
}
