/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The objects at which the answers of two policies can change: all that their lines name. */

#include "policy/diff.h"

struct diff_path {
	const char *name; /* borrowed from a tree */
	size_t size;
	bool abstract; /* a unix name that is no path */
	size_t parent; /* index of the nearest point above; SIZE_MAX: none */
	const enum policy_change_kind *above; /* changes of the parent, in the situation at work */
	enum policy_change_kind changes[MF_POL_VERB_MAX];
};

/* The object of a line: a prefix, or a host with its addresses. */
struct diff_address {
	struct policy_prefix prefix;
	const struct policy_line *host; /* NULL: the prefix */
	struct policy_ports ports;
};

struct diff_points {
	struct diff_path *paths; /* sorted, "/" first */
	size_t path_count;
	struct diff_address *addresses;
	size_t address_count;
	struct policy_address
		*ends; /* first and last addresses of all prefixes, and those beside */
	size_t end_count;
	uint16_t *ports; /* the same of ranges of ports */
	size_t port_count;
};

int diff_points_find(const struct policy_tree *const trees[2], struct diff_points *ret_points);
void diff_points_free(struct diff_points *points);

bool diff_address_has(const struct diff_address *object, const struct policy_address *address);
int diff_path_print(struct buf *out, enum mf_pol_verb verb, const struct diff_path *path);
int diff_address_print(struct buf *out, enum mf_pol_verb verb, const struct diff_address *object);
/* A line of a policy's text, safe to print. */
int diff_line_print(struct buf *out, const char *line, size_t size);
