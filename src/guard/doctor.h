/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What the engine can do on this machine, for whoever may not include the engine.
 */

#include <stdbool.h>
#include <stddef.h>

/* All strings are static. */
struct guard_hook {
	const char *engine; /* "all" or one of them */
	bool chosen; /* a part of the engine that is used here */
	const char *hook;
	const char *what;
	bool required;
	int error; /* 0: loads and attaches; else -errno */
	const char *consequence; /* without it */
	const char *remedy; /* "" when there is none */
};

/* Loads and attaches each hook, then detaches it; needs root. Returns the number of rows in
 * *ret_hooks (free() the array) or -errno. */
int guard_doctor(struct guard_hook **ret_hooks);

/* The engine that is used here: "lsm" … Needs root. Static. */
const char *guard_engine_word(void);

/* The version of libbpf that is in use. Static. */
const char *guard_libbpf_version(void);
