/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The object that a template and a value name. Each function gives why there is none, or -ENOMEM;
 * POLICY_GRANT_OK is 0.
 */

#include "policy/grant.h"
#include "policy/object.h"

struct policy_template_text {
	const char *before, *after; /* not NUL terminated */
	size_t before_size, after_size;
};

/* A path, by all the names that it has. */
struct policy_names {
	char *names[POLICY_LINKS_MAX + 3];
	size_t count;
	size_t components; /* of all names */
};

void policy_names_free(struct policy_names *names);
#define _cleanup_policy_names_ _cleanup_(policy_names_free)

/*
 * before + value + after as a path: what the kernel may call it once its links are followed. It
 * must stay within what stands before the value, by its text and by its links; a denial need not.
 */
int policy_grant_path(const struct policy_template_text *text, const char *value, size_t size,
		      const struct policy_grant_call *call, bool deny,
		      struct policy_names *ret_names);

struct policy_endpoint {
	struct policy_address addresses[POLICY_HOST_ADDRS_MAX]; /* IPv4-mapped ones are IPv4 */
	size_t count;
	uint16_t port;
};

/* before + value + after as HOST:PORT, or, when there is neither before nor after, as a URL. */
int policy_grant_endpoint(const struct policy_template_text *text, const char *value, size_t size,
			  const struct policy_world *world, struct policy_endpoint *ret_endpoint);
