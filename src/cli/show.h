/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "cli/records.h"

/* Prints one record whole, with what came after it was closed. 0 or -errno. */
int show_record(const struct kept *record, const struct kept_list *late, bool json);
