/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Journal entries (abi/journal.h) made from what a line said. */

#include "base/buf.h"
#include "mcp/message.h"
#include "mcp/pending.h"

struct entry_begin {
	uint16_t kind; /* MF_J_BEGIN, MF_J_IDENTIFY or MF_J_RESUME */
	uint16_t method;
	uint32_t flags;
	uint64_t t_ns, ordinal, stamp;
	const struct mcp_message *message; /* NULL: nothing is known */
	bool without_args, digest_only;
};

/* Each replaces the content of `out` by one entry, padded. */
int entry_begin(const struct entry_begin *begin, struct buf *out);
int entry_end(const struct pending_request *request, uint64_t t_ns, uint64_t stamp,
	      bool without_text, bool digest_only, struct buf *out);
int entry_tool(const struct mcp_tool *tool, uint64_t t_ns, uint64_t stamp, struct buf *out);
int entry_server(const struct mcp_message *message, uint64_t t_ns, uint64_t stamp, struct buf *out);
struct entry_grants {
	uint64_t t_ns, ordinal, stamp;
	uint32_t parity; /* of the policy's generation */
	const struct buf *image; /* NULL: it could not be told; nor can one that does not fit */
};

int entry_grants(const struct entry_grants *grants, struct buf *out);
/* CANCEL, COUNTERS, EXIT: a body without strings. */
int entry_plain(uint16_t kind, uint64_t ordinal, uint64_t t_ns, uint64_t stamp, const void *body,
		size_t size, struct buf *out);
