/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A compiled policy (abi/policy.h), read in place. The view borrows the bytes, which must stay, be
 * aligned to 8, and not change. Look-ups allocate nothing and look at a bounded number of entries.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/policy.h"

struct policy {
	const uint8_t *bytes;
	const struct mf_pol_head *head;
	const struct mf_pol_block *blocks;
	const struct mf_pol_path *paths; /* slots */
	const struct mf_pol_addr *addrs;
	const struct mf_pol_port *ports;
	const struct mf_pol_class *classes;
	const struct mf_pol_answer *answers;
	const struct mf_pol_escapes *escapes;
	const struct mf_pol_rule *rules;
	const struct mf_pol_text *files;
	const struct mf_pol_tool *tools;
	const struct mf_pol_template *templates;
	const struct mf_pol_host *hosts;
	const struct mf_pol_host_addr *host_addrs;
	const char *text;
	uint32_t block_count, path_slots, addr_slots, port_slots, class_count, answer_count;
	uint32_t escapes_count, rule_count, file_count, tool_count, template_count, host_count;
	uint32_t host_addr_count, text_size;
};

/*
 * Checks bytes that anybody may have made, and gives the view. Afterwards no look-up can leave
 * them, loop, or meet an index out of range, and every entry is found by its key. It does not say
 * that the tables mean what some text says: who hands in tables writes its own policy.
 * 0; -EBADMSG with one line of why in *ret_reason (static text; may be NULL); -EPROTO when the
 * version is another one. `bytes` must be aligned to 8 (-EINVAL).
 */
int policy_validate(const void *bytes, size_t size, struct policy *ret_policy,
		    const char **ret_reason);

/*
 * The same of a policy, and nothing else, in a file that somebody hands over. It is read, not mapped: a
 * page of a mapping that memory is too short for would be the reader's end. Whether others can still
 * change the file is the caller's to ask. *ret_bytes, which the view borrows, is to be freed.
 * -EFBIG: empty, or over `max`; -EBADMSG, -EPROTO, -ENOMEM, -errno.
 */
int policy_read_handed(int fd, size_t max, void **ret_bytes, struct policy *ret_policy);

/* The same view without the checks, for bytes that this process has made itself. */
void policy_view(const void *bytes, struct policy *ret_policy);

/* The block for a tool: MF_POL_DEFAULT when no block names it. Names compare byte for byte. */
uint32_t policy_tool_block(const struct policy *policy, const void *name, size_t size);

/*
 * The three look-ups. Paths as normalised by policy_path_normal(); another path is walked as it
 * stands, empty components left out. *ret_exact, where not NULL: the walk ended at a node for this
 * very path, so that answer->below is about it.
 */
const struct mf_pol_answer *policy_path_answer(const struct policy *policy, uint32_t block,
					       const char *path, size_t size, bool *ret_exact);
const struct mf_pol_answer *policy_abstract_answer(const struct policy *policy, uint32_t block,
						   const char *name, size_t size);
/* `addr` and `family` as in struct mf_pol_addr_key. */
const struct mf_pol_answer *policy_address_answer(const struct policy *policy, uint32_t block,
						  uint32_t family, const uint8_t *addr,
						  uint16_t port);

/* What a rule index stands for; 0 and what is out of range: NULL. */
const struct mf_pol_rule *policy_rule(const struct policy *policy, uint32_t rule);
/* Not NUL terminated: *ret_size bytes. */
const char *policy_text(const struct policy *policy, struct mf_pol_text text, size_t *ret_size);
