/* SPDX-License-Identifier: BSD-2-Clause */
/* attack REPORT VERB ARG…; see attack.h */
#include "attack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *report_path;

void report(const char *format, ...)
{
	FILE *file = fopen(report_path, "ae");
	va_list args;

	if (!file)
		_exit(90);
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	fputc('\n', file);
	if (fclose(file))
		_exit(91);
}

void absent(const char *what)
{
	report("absent %s: %s", what, strerror(errno));
	_exit(0);
}

void broken(const char *what)
{
	report("broken %s: %s", what, strerror(errno));
	_exit(1);
}

struct sockaddr_in to_v4(const char *ip, int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	if (inet_pton(AF_INET, ip, &addr.sin_addr) != 1)
		broken(ip);
	return addr;
}

void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		broken(path);
	close(fd);
}

static const struct verb *find(const struct verb *verbs, const char *name)
{
	while (verbs->name && strcmp(verbs->name, name))
		verbs++;
	return verbs->name ? verbs : NULL;
}

int main(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 3)
		return 2;
	report_path = argv[1];
	verb = find(file_verbs, argv[2]);
	if (!verb)
		verb = find(net_verbs, argv[2]);
	if (!verb)
		verb = find(task_verbs, argv[2]);
	if (!verb || argc - 3 < verb->args)
		broken(argv[2]);
	verb->act(argv + 3);
	report("done");
	return 0;
}
