/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The names of what is counted as lost (enum mf_loss of abi/event.h), as records and `mcpfloor stats`
 * have them.
 */

#include <stdbool.h>

/* "ring_full" …; NULL for a reason that has no name. Static. */
const char *loss_word(unsigned reason);
/* Whether something is missing because of it. */
bool loss_is_loss(unsigned reason);
