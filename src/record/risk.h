/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What the flags of an open, or a change, signal; and whether the object is outside what a session
 * without a policy lets expect. The rule is told in docs/record.md.
 */

#include <stdbool.h>
#include <stddef.h>

#include "record/event.h"

enum risk {
	RISK_NONE = 0,
	RISK_BASELINE = 1,
	RISK_WRITE = 2,
	RISK_READ_WRITE = 3,
	RISK_CREATE = 4,
	RISK_ALERT = 5,
};

/* What a session says about where it works; either may be empty. */
struct workplace {
	const char *cwd;
	const char *argv; /* of the root process, NUL separated: directories that it was given */
	size_t argv_size;
};

/* Of a file, change or act event; RISK_NONE for other kinds. `place` NULL: a policy allows it, so that
 * only what is hardly ever a tool's business is an alert. */
enum risk risk_of(unsigned kind, const void *body, const char *texts,
		  const struct workplace *place);

/* Whether an open asks for writing, as far as the kernel told. */
bool open_writes(const struct mf_ev_file *file);

/* A read's side files (-wal, __pycache__, …): changes that a read-only tool may make. */
bool path_is_side_file(const char *path, size_t size);

const char *risk_name(enum risk risk);
