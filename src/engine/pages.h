/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The sessions' in-flight pages: maps of one page in a map of maps. A change of that table returns
 * only after an RCU grace period (maybe_wait_bpf_programs() in kernel/bpf/syscall.c), some 10 ms in
 * which the guard would answer nobody. So the page of the session to come is put in beforehand, and
 * the page of one that is gone is taken out, both beside the guard's own work.
 */

#include <stdint.h>

#include "base/aside.h"

struct pages {
	int table_fd; /* -1: none */
	uint64_t expected; /* the id that `expected_fd` is for; 0: none */
	int expected_fd;
	int expected_err; /* of putting it in */
	uint64_t gone;
	struct aside change;
};

#define PAGES_NONE ((struct pages){ .table_fd = -1, .expected_fd = -1 })

/* The table, before the programs that read it are loaded. `expected`: as pages_expect(). */
int pages_open(struct pages *pages, uint64_t expected);
void pages_close(struct pages *pages);
/* Begins to make the page of session `id`; where it cannot be made, pages_take() tells. */
void pages_expect(struct pages *pages, uint64_t id);
/* Its page, expected or not: a map of which the caller owns *ret_fd. */
int pages_take(struct pages *pages, uint64_t id, int *ret_fd);
void pages_drop(struct pages *pages, uint64_t id);
