/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What src/relay/traffic.c and src/relay/traffic_ends.c share. */

#include "relay/traffic.h"

/* Queues traffic->entry, unless making it failed with `err`. */
void traffic_put_entry(struct traffic *traffic, int err);
/*
 * What holds for a request by each policy, by parity; the same by both, where only one is there. Keeps
 * with the request what a later policy will ask.
 */
void traffic_hold(struct traffic *traffic, struct pending_request *request,
		  const struct mcp_message *message, struct page_hold ret_hold[2]);
/*
 * Journals what traffic_hold() made. Of arguments that could not be made anything of, or that the page
 * had no room for (`granted`), it is told that they grant nothing.
 */
void traffic_put_grants(struct traffic *traffic, struct pending_request *request,
			const bool granted[2]);
void traffic_drop_call(struct traffic *traffic, struct pending_request *request);
/* Publishes and journals the end of each, and frees them. */
void traffic_end_all(struct traffic *traffic, struct pending_request *ended);
