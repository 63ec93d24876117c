/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What a call may touch because its arguments name it (policy/grant.h), made while the call's line is
 * still held, so that it is in force before the server can act.
 */

#include <limits.h>

#include "mcp/message.h"
#include "policy/grant.h"
#include "policy/load.h"

struct grants {
	bool has_policy;
	struct policy policy; /* of bytes that outlive it */
	struct policy_load load;
	struct policy_world world;
	char cwd[PATH_MAX]; /* "": not known, so that relative paths grant nothing */
	struct buf image; /* of the last call */
	struct policy view; /* of `image` */
};

/* `image` (size 0: there is no policy) must stay. The working directory is the server's, too. */
void grants_init(struct grants *grants, const void *image, size_t size);
void grants_free(struct grants *grants);
/* The block that holds for a request; nothing is known of one that is NULL. */
uint32_t grants_block(const struct grants *grants, const struct mcp_message *message);
/* 1: `image`, and its view, is what the call grants; 0: its block has no templates; -errno. */
int grants_of(struct grants *grants, const struct mcp_message *message, uint32_t block);
