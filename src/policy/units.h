/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A compiled policy, or the grants of a request, as the BPF programs read it (abi/units.h). */

#include "abi/units.h"
#include "policy/tables.h"

struct policy_units_of {
	uint64_t session;
	uint32_t mode; /* enum mf_pol_mode */
	uint32_t generation;
	bool strict;
};

uint32_t policy_units_count(const struct policy *policy);
/* Writes that many units, every byte of them. */
void policy_units_fill(const struct policy *policy, const struct policy_units_of *of,
		       struct mf_unit *ret_units);
