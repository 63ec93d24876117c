/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The objects of rules and questions: paths, addresses, unix sockets. One way to read each, used
 * by the parser, by `explain` and by the builder of grants. Pure functions over bytes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "policy/source.h"

/*
 * Normalises an absolute path as text: `//`, `.` and trailing slashes go, `..` takes away the
 * component before it and stays at the root. Appends the result, which begins with a slash and,
 * but for the root, does not end with one. No link is followed.
 * -EINVAL: relative, empty or with a NUL; -ENAMETOOLONG: over MF_PATH_MAX, or a component over
 * MF_POL_COMPONENT_MAX, after normalising. `out` is unchanged then.
 */
int policy_path_normal(const char *path, size_t size, struct buf *out);

/* The same, for a path that may be relative to `cwd` (absolute; NULL: relative paths are -EINVAL). */
int policy_path_from(const char *cwd, const char *path, size_t size, struct buf *out);

/* Whether `path` is `tree` or below it, at component boundaries. Both normalised. */
bool policy_path_in(const char *path, size_t path_size, const char *tree, size_t tree_size);

/*
 * Follows the links of a normalised path through world->look. Appends what the kernel would call
 * the object; a part that is missing is kept as written, below what its directory resolves to.
 * `ret_named`: the same but for the last component, which is not followed: the name itself. `each`,
 * where not NULL, is called with every further name that the last component's links go through.
 * Returns 1 when there was a link, 0 when not, -ELOOP, -ENAMETOOLONG or -errno of the world.
 */
int policy_path_resolve(const struct policy_world *world, const char *path, struct buf *ret_named,
			struct buf *ret_object, void (*each)(void *data, const char *name),
			void *data);

struct policy_prefix {
	struct policy_address address; /* bits behind `length` are 0 */
	uint8_t length; /* 0 … 32 or 128 */
	bool any; /* "*": every address of both families; address and length are 0 */
};

struct policy_ports {
	uint16_t first, last; /* first <= last */
};

/*
 * HOST of `HOST:PORT` in one of the forms
 *	*   203.0.113.7   203.0.113.0/24   [2001:db8::1]   [2001:db8::/32]   name.example
 * split from its port, both still text. An address without brackets may not hold a colon.
 */
struct policy_endpoint_text {
	const char *host; /* without brackets */
	size_t host_size;
	const char *port;
	size_t port_size;
	bool bracketed;
};

/* -EINVAL with a reason for people in *ret_reason (static text). */
int policy_endpoint_split(const char *text, size_t size, struct policy_endpoint_text *ret_endpoint,
			  const char **ret_reason);

/*
 * An address or prefix. IPv4-mapped IPv6 becomes IPv4 (a mapped prefix shorter than /96 is
 * refused: it is neither). -EINVAL with a reason; -ENOENT: it is no address but may be a name.
 */
int policy_prefix_parse(const struct policy_endpoint_text *endpoint,
			struct policy_prefix *ret_prefix, const char **ret_reason);
/* `*`, N or N-M. -EINVAL, -ERANGE with a reason. */
int policy_ports_parse(const char *text, size_t size, struct policy_ports *ret_ports,
		       const char **ret_reason);
/* A host name by RFC 1123: labels of letters, digits, hyphens, underscores; a dot at the end goes.
 * Appends it in lower case. */
int policy_host_parse(const char *text, size_t size, struct buf *out, const char **ret_reason);

/* Appends 203.0.113.7 or [2001:db8::1]. */
int policy_address_print(struct buf *out, const struct policy_address *address);
/* Not reachable from everywhere: loopback, RFC 1918, link-local, unique local, shared, reserved. */
bool policy_address_is_private(const struct policy_address *address);
/* IPv4-mapped IPv6 becomes IPv4. */
void policy_address_normal(struct policy_address *address);
/* The same, and what connecting to it means to Linux: the unspecified address is the machine itself. */
void policy_address_connected(struct policy_address *address);
