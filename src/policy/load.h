/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Policies from disk: the one file of the room that looks at the machine. Reads the files that are
 * given and those that they include, looks at the links and names that they speak of.
 */

#include "policy/tree.h"

/* Where includes are looked for, behind the directory of the file that includes. */
#define POLICY_SEARCH_ENV "MCPFLOOR_POLICY_PATH" /* directories, parted by colons */
/* Without it: the administrator's own, those installed with this program, those of other installations. */
#define POLICY_SEARCH_FIRST "/etc/mcpfloor/policies"
#define POLICY_SEARCH_LAST "/usr/local/share/mcpfloor/policies:/usr/share/mcpfloor/policies"

struct policy_load {
	const char *workspace; /* ${workspace}; NULL: not set */
	const char *home; /* ${home}; NULL: not set */
	const char *search; /* NULL: the environment's, else the default */
	bool resolve; /* ask for the addresses of host names: that may use the network, and take time */
	bool errors_only; /* no warnings are wanted: what they take is not done */
	bool stand_in; /* a name without an address gets one of 100::/64, which leads nowhere */
};

/*
 * 0 with a tree, whatever errors are in the text; -errno of the file that cannot be read, with its
 * index in *ret_file.
 */
int policy_load(const char *const *files, size_t count, const struct policy_load *load,
		struct policy_tree **ret_tree, size_t *ret_file);

/*
 * Appends a file's text: of a regular file, or of a pipe without a name (`<(command)`, /dev/stdin).
 * What may never end is refused: -EISDIR, -ESPIPE (a pipe with a name), -ENODEV (a device, a socket);
 * -EFBIG: over what the buffer may hold. policy_read_why() has the words.
 */
int policy_read_file(const char *path, struct buf *ret_text);
/* The same refusals, without reading it. */
int policy_read_check(const char *path, bool may_be_pipe);

/* The world of policy_load() for others that need one (the builder of grants): links, and host
 * names when `load->resolve` says so. `load` is borrowed. */
void policy_load_world(const struct policy_load *load, struct policy_world *ret_world);
