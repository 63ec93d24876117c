/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A machine made of a few links, host names and named blocks: what policies are read against. */

#include "policy/source.h"

#define MACHINE_ROWS 64

struct machine_row {
	char *key, *value;
};

struct machine {
	struct machine_row links[MACHINE_ROWS]; /* path, where it leads; "!" cannot be looked at */
	struct machine_row hosts[MACHINE_ROWS]; /* name, addresses parted by blanks */
	struct machine_row blocks[MACHINE_ROWS]; /* name of an include, its text */
	size_t link_count, host_count, block_count;
	bool files; /* every path that is no link is a file; else nothing is known to exist */
	struct policy_world world;
};

/* Every other field of the world may be set by the caller. */
void machine_init(struct machine *machine);
void machine_free(struct machine *machine);
#define _cleanup_machine_ _cleanup_(machine_free)
void machine_link(struct machine *machine, const char *path, const char *target);
void machine_host(struct machine *machine, const char *name, const char *addresses);
void machine_block(struct machine *machine, const char *name, const char *text);
