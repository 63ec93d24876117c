/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What somebody would write who wants to get round an auditor: one verb per technique. What it did
 * in truth goes into a report, against which the record is held.
 */

#include <netinet/in.h>
#include <stdint.h>
#include <sys/types.h>

/* One line of the report */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends: this kernel does not have what is attacked with */
_Noreturn void absent(const char *what);
/* Ends: it should have worked */
_Noreturn void broken(const char *what);

struct verb {
	const char *name;
	int args; /* at least */
	void (*act)(char **args);
};

extern const struct verb file_verbs[], net_verbs[], task_verbs[];

struct sockaddr_in to_v4(const char *ip, int port);
void touch(const char *path);
