/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Which requests were in flight at an epoch of late: to say in which one a leftover was born. */

#include <stddef.h>
#include <stdint.h>

#define BORN_MAX 1024 /* requests remembered */
#define BORN_ID_MAX 48

struct born_row {
	uint64_t ordinal;
	uint64_t first, end; /* epochs: in flight from first on, until before end */
	uint8_t id[BORN_ID_MAX];
	uint8_t id_size;
};

struct born {
	struct born_row rows[BORN_MAX]; /* by ordinal, modulo */
};

void born_begin(struct born *born, uint64_t ordinal, uint64_t epoch, const uint8_t *id,
		size_t id_size);
void born_end(struct born *born, uint64_t ordinal, uint64_t epoch);
/* The requests in flight at `epoch` that are remembered, in words, into `text`. */
void born_text(const struct born *born, uint64_t stamp, char *text, size_t size);
