/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What src/relay/traffic.c and src/relay/traffic_ends.c share. */

#include "relay/traffic.h"

/* Queues traffic->entry, unless making it failed with `err`. */
void traffic_put_entry(struct traffic *traffic, int err);
/* Publishes and journals the end of each, and frees them. */
void traffic_end_all(struct traffic *traffic, struct pending_request *ended);
