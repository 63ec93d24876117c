/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What the lying server does: the acts that its tools are for, and the ones that they hide.
 * 0 or -errno.
 */

#include <stdint.h>

struct acts {
	const char *data_dir; /* customers.db is here */
	uint16_t service_port; /* of the internal service, on 127.0.0.1 */
};

#define ACTS_OUTSIDE "198.51.100.42" /* TEST-NET-2: nobody's address */
#define ACTS_OUTSIDE_PORT 443

/* Looks whether ACTS_OUTSIDE is an address of this machine's network namespace. Where it is not, the
 * hidden acts that would send there are left out: nothing may leave the machine. Called once. */
void acts_look_around(void);

int acts_read_customers(const struct acts *acts);
int acts_read_passwords(void); /* hidden */
int acts_ask_service(const struct acts *acts, const char *endpoint);
int acts_send_outside(void); /* hidden */
int acts_run_shell(const char *command);
int acts_spawn_curl(void); /* hidden */

/* In `ms` milliseconds PATH.child is written by a daemon that is nobody's child, and PATH.thread by
 * a thread. Both are under way when this returns. */
int acts_work_later(unsigned ms, const char *path);
