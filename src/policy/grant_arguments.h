/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The values that a call's arguments have for the names that templates ask for. The text was
 * written by a peer; it is read as strictly as any reader would: what two readers could take for
 * two things has no value.
 */

#include "policy/grant.h"

struct policy_value {
	enum policy_grant_why why; /* POLICY_GRANT_OK: there are bytes */
	char *bytes; /* well-formed UTF-8, never empty, no NUL in it and one behind the end */
	size_t size;
};

struct policy_argument {
	const char *name; /* "path", "options.file": borrowed */
	size_t name_size;
	enum policy_grant_why why; /* POLICY_GRANT_OK: the values say */
	struct policy_value *values; /* the string, or each element of the array */
	size_t count;
	bool more; /* there were more elements than are kept */

	/* the reader's */
	unsigned members; /* names parted by dots */
	unsigned within; /* of them, those that the objects now open are the values of */
	uint64_t seen; /* bit n: a key like member n has been there */
	bool twice; /* … and another one */
	bool next; /* the next value is the argument's, or leads to it */
	bool open; /* in its array */
};

#define POLICY_ARGUMENT_MEMBERS_MAX 64 /* of a.b.c… */
#define POLICY_ARGUMENT_BYTES_MAX 65536 /* of a string; a longer one is POLICY_GRANT_LONG */
#define POLICY_ARGUMENT_DEPTH_MAX \
	1000 /* nested deeper, it is no JSON: many readers give up there */

/*
 * Reads `json` (NULL: the call has no arguments) and sets `why` and `values` of each of
 * `arguments`, of which names are set and the rest is 0. All values together are at most
 * POLICY_GRANT_ENTRIES_MAX. 0 or -ENOMEM; either way policy_arguments_free() frees the values.
 */
int policy_arguments_read(const char *json, size_t size, struct policy_argument *arguments,
			  size_t count);
void policy_arguments_free(struct policy_argument *arguments, size_t count);
