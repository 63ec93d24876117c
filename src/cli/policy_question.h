/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What `mcpfloor policy explain` is asked: an access, and the calls that are in flight. */

#include "cli/policy.h"
#include "policy/decide.h"
#include "policy/grant.h"
#include "policy/object.h"

#define QUESTION_CALLS_MAX (CLI_TEXTS_MAX + 1)

/* A call in flight. */
struct question_call {
	char *tool;
	const char *arguments; /* NULL: none given */
	struct buf grants;
	struct policy granted;
	struct policy_grant_reports reports;
};

struct question {
	const struct cli_args *args;
	const char *tool, *verb, *object;
	struct policy_tree *tree;
	struct policy_load load;
	struct policy_world world;
	struct policy_access access;
	struct buf path; /* normalised, or the abstract name */
	struct buf resolved; /* every link followed */
	struct buf host; /* the name that the address was asked for by; empty: none */
	struct policy_address addresses[POLICY_HOST_ADDRS_MAX]; /* of a host name, or one */
	size_t address_count;
	struct buf image;
	struct policy policy;
	struct question_call calls[QUESTION_CALLS_MAX];
	struct policy_request requests[QUESTION_CALLS_MAX]; /* of the calls */
	struct policy_state state;
};

/* 0, or -EINVAL, -errno after the reason was said on stderr. */
int question_open(const struct cli_args *args, struct question *ret_question);
void question_close(struct question *question);
#define _cleanup_question_ _cleanup_(question_close)
