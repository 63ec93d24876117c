/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Nasty policies, calls and accesses, the same ones for the same seed. */

#include "base/buf.h"
#include "reference.h"

struct dice {
	uint64_t state;
};

uint32_t dice_roll(struct dice *dice, uint32_t sides); /* 0 … sides - 1 */

/* The links and names that the policies speak of. */
void random_machine(struct machine *machine);
/* One file of a policy, `version 1` in its first line. `ceilings_only`: the administrator's. */
void random_text(struct dice *dice, bool ceilings_only, struct buf *ret_text);
/* The text of a file to include, with `block NAME`. */
void random_include(struct dice *dice, const char *name, struct buf *ret_text);

struct random_call {
	struct ref_argument arguments[4];
	struct ref_request request;
	struct buf json;
};

void random_call(struct dice *dice, struct random_call *ret_call);
void random_call_free(struct random_call *call);

struct random_access {
	struct policy_access access;
	char name[1024];
};

void random_access(struct dice *dice, struct random_access *ret_access);
/* For messages: the access in words. */
void random_access_say(const struct random_access *access, struct buf *out);
