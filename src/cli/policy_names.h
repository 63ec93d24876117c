/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The host names behind an answer about an address: a line with a name means the addresses that the
 * name has when it is looked up, which `mcpfloor policy explain` does just then.
 */

#include <yajl/yajl_gen.h>

#include "cli/policy_question.h"

/* `addresses`, an array of texts. 0 or -ENOMEM. */
int policy_addresses_json(yajl_gen gen, const struct policy_address *addresses, size_t count);

/* Appends a line for each: of `rule`, where that is one with a name; without a rule (0), those of the
 * blocks in play that are about the port. 0 or -ENOMEM. */
int policy_names_print(struct buf *out, const struct question *question, uint32_t rule);
/* The same as `names`, where there are any. */
int policy_names_json(yajl_gen gen, const struct question *question, uint32_t rule);
