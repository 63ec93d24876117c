/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Grants: what one call may touch because its arguments name it. The templates of the tool's block
 * (`read ${arg.path}`) and the call's arguments give a small image of the same form as the
 * policy's own tables: one block, whose entries point at the rules that the templates stand in.
 *
 * An argument only ever adds what its template's verbs allow on the object that it names; a deny
 * and a ceiling hold over it like over any other line, because policy_decide() asks them too.
 * What an argument cannot be resolved to grants nothing, and the report says why. A denial by an
 * argument that is there and cannot be resolved denies every object of its kind.
 *
 * Paths: the bytes of the string, nothing in them has a meaning but / . and .. (no ~, no file://,
 * no %2f). Relative to the working directory when nothing stands before the argument; then it may
 * lead anywhere, by .. or by links. With text before it, `/srv/docs/${arg.name}`, the path and
 * what its links lead to must begin with that text (the directory's own links followed).
 * Addresses: HOST:PORT with one host and one port, or SCHEME://HOST[:PORT]. What clients read in
 * two ways has no address: a backslash, a second @, percent-encoding, blanks or non-ASCII in the
 * host, IPv4 in other spellings than four decimal numbers, a zone. The name before a single @ is
 * not the host.
 * Arguments: an object of well-formed JSON and UTF-8. A name that is there twice, in whatever case,
 * has no value.
 */

#include "base/buf.h"
#include "policy/source.h"
#include "policy/tables.h"

/* Of one call; more: the rest grants nothing, and is told. */
#define POLICY_GRANT_ENTRIES_MAX 1024 /* names and addresses, and strings that are looked at */
#define POLICY_GRANT_COMPONENTS_MAX 16384 /* of the paths */

struct policy_grant_call {
	uint32_t block; /* policy_tool_block() of the call's tool */
	const char *arguments; /* JSON text of params.arguments; NULL: there are none */
	size_t arguments_size;
	const char *cwd; /* the server's working directory: what relative paths are relative to */
	/* `look` follows links, `resolve` host names; include and links are not used. NULL: neither */
	const struct policy_world *world;
};

enum policy_grant_why {
	POLICY_GRANT_OK = 0,
	POLICY_GRANT_ABSENT = 1, /* no such argument, or null */
	POLICY_GRANT_TYPE = 2, /* neither a string nor an array of strings */
	POLICY_GRANT_EMPTY = 3,
	POLICY_GRANT_NUL = 4,
	POLICY_GRANT_LONG = 5, /* a path or component that is too long */
	POLICY_GRANT_OUTSIDE = 6, /* leaves what stands before the argument, by .. or by a link */
	POLICY_GRANT_ADDRESS = 7, /* no address, no URL with host and port */
	POLICY_GRANT_SCHEME = 8, /* a URL whose scheme has no port that is known: file:, data: */
	POLICY_GRANT_TOO_MANY = 9,
	POLICY_GRANT_JSON = 10, /* the arguments are no JSON object, or can be read in two ways */
	POLICY_GRANT_LINK = 11, /* links in a circle, or a link that could not be read */
	POLICY_GRANT_UNRESOLVED = 12, /* a host name without addresses */
	POLICY_GRANT_RELATIVE = 13, /* a relative path, and no working directory is known */
	POLICY_GRANT_WHY_MAX = 14,
};

/* One per template of the block, or per element of an array that grants nothing. */
struct policy_grant_report {
	uint32_t rule; /* the template's */
	enum policy_grant_why why;
};

struct policy_grant_reports {
	struct policy_grant_report *reports;
	size_t count;
};

/*
 * Appends the image (abi/policy.h, MF_POL_GRANTS) to `ret_image`, an empty buffer; a block without
 * templates, or a call whose arguments grant nothing, gives an image that allows nothing. 0 or
 * -ENOMEM. *ret_reports, where not NULL, is the caller's to free (`reports` by free()).
 */
int policy_grant_build(const struct policy *policy, const struct policy_grant_call *call,
		       struct buf *ret_image, struct policy_grant_reports *ret_reports);

/* A word for programs; a clause for people. */
/* Whether the block has any template: else no call of its tool is granted anything. */
bool policy_grant_is_possible(const struct policy *policy, uint32_t block);

const char *policy_grant_why_word(enum policy_grant_why why);
const char *policy_grant_why_text(enum policy_grant_why why);
