/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What a call may touch because its arguments name it (policy/grant.h), made while the call's line is
 * still held, so that it is in force before the server can act. While a policy is being replaced, it is
 * made for both; which is meant is told by the last bit of their generations, the parity.
 */

#include <limits.h>

#include "mcp/message.h"
#include "policy/grant.h"
#include "policy/load.h"

#define GRANTS_KEEP_MAX (16U << 20) /* arguments of all calls in flight, kept for a new policy */

/* A policy of the session */
struct grants_policy {
	struct policy view; /* of bytes that outlive it, or of `bytes` */
	void *bytes; /* by malloc; NULL: they are not ours */
	size_t size;
};

/* What is made for one call by one policy */
struct grants_made {
	uint32_t block;
	int result; /* as of grants_make() */
	struct buf image; /* with 1 */
	struct policy view; /* of `image` */
};

struct grants {
	bool has_policy;
	bool changing; /* the next one is on its way to the guard */
	uint64_t generation; /* of the one in force */
	struct grants_policy policy[2]; /* by parity; the other one is there while changing */
	struct policy_load load;
	struct policy_world world;
	char cwd[PATH_MAX]; /* "": not known, so that relative paths grant nothing */
	struct grants_made made[2]; /* of the last call, by parity */
	size_t kept; /* bytes of grants_keep() that are there */
};

/* What the line of a request says, as far as a policy asks for it. Borrowed, but of grants_keep(). */
struct grants_call {
	bool has_block; /* else no tool's block is its own */
	bool has_arguments; /* they may grant something */
	const void *name, *arguments;
	size_t name_size, arguments_size;
};

/* `image` (size 0: there is no policy) must stay. The working directory is the server's, too. */
void grants_init(struct grants *grants, const void *image, size_t size);
void grants_free(struct grants *grants);
static inline unsigned grants_parity(const struct grants *grants)
{
	return grants->generation & 1;
}

/* Nothing is known of a message that is NULL. */
struct grants_call grants_call_of(const struct mcp_message *message);
/* A copy by malloc, without the arguments where they are too many; NULL: there is no policy, or no
 * memory. grants_drop() frees it. */
struct grants_call *grants_keep(struct grants *grants, const struct grants_call *call);
void grants_drop(struct grants *grants, struct grants_call *call);
/* Makes grants->made[parity]. 1: the call grants something; 0: its block has no templates; -errno. */
int grants_make(struct grants *grants, unsigned parity, const struct grants_call *call);
