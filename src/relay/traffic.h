/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What the bytes of both directions mean: which requests are in flight. Keeps the page, the
 * journal and the table of requests in step; moves no bytes itself.
 */

#include <sodium.h>

#include "mcp/pending.h"
#include "mcp/reader.h"
#include "relay/born.h"
#include "relay/grants.h"
#include "relay/journal.h"
#include "relay/page.h"

struct line {
	struct mcp_reader *reader;
	uint64_t size; /* bytes so far, without the newline */
	bool split; /* it came in several pieces, `sha` has those before the last */
	crypto_hash_sha256_state sha;
	struct pending_request *overlong; /* published before it was read; client's lines only */
	uint64_t overlong_ordinal; /* of it; 0: the line is not over-long */
};

struct traffic {
	struct line up, down;
	struct pending *pending;
	struct page page;
	struct journal journal;
	struct born born;
	struct grants grants;
	struct mf_j_counters counters;
	uint64_t next_ordinal;
	bool digest_only;
	bool begun; /* a BEGIN is in the journal's queue: it must be sent before the line is */
	struct buf entry;
};

int traffic_init(struct traffic *traffic, bool digest_only);
void traffic_free(struct traffic *traffic);

/*
 * New bytes from the client. `held` is how many before them are not released yet. Returns how many
 * of held + size may be forwarded, once the journal was flushed.
 */
size_t traffic_from_client(struct traffic *traffic, const uint8_t *bytes, size_t size, size_t held);
/* The client's stream is over: what is held may go, as a line. */
void traffic_client_end(struct traffic *traffic);
void traffic_from_server(struct traffic *traffic, const uint8_t *bytes, size_t size);
void traffic_server_end(struct traffic *traffic);
/* Puts what must be in the journal first into it. 0, or -EPIPE. */
int traffic_flush(struct traffic *traffic);

void traffic_expire(struct traffic *traffic, uint64_t now_ns);
/* Everything that is still in flight ends with the server. */
void traffic_server_exit(struct traffic *traffic);
/* Tells a new recorder what is in flight. */
void traffic_resume(struct traffic *traffic, int journal_fd);
/*
 * A new policy (`image` by malloc, taken over) is to replace the one in force: everything in flight gets
 * what it has by it, and so does whatever begins. Then traffic_policy_done() says whether it did.
 */
void traffic_policy_next(struct traffic *traffic, void *image, size_t size);
void traffic_policy_done(struct traffic *traffic, bool taken);
void traffic_counters(struct traffic *traffic);
void traffic_exit(struct traffic *traffic, uint32_t status, uint32_t leftovers, uint32_t flags);
