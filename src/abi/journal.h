/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The protocol journal: what the relay tells the recorder about the MCP traffic of its session.
 *
 * A SOCK_SEQPACKET socket, relay → recorder only. A packet is at most MF_JOURNAL_PACKET bytes and
 * holds one or more entries back to back, each a struct mf_journal_entry, the body of its kind and
 * the strings whose lengths the body gives, in their order, without NUL; `size` is the whole entry,
 * a multiple of 8 (zero padding at the end).
 *
 * Ordering that the labels rest on: an entry that changes the set in flight (BEGIN, END) is in the
 * socket *before* the line that it is about is forwarded. So whoever reads an event with epoch N
 * finds the entries up to epoch N in the socket.
 *
 * The recorder trusts none of it beyond the session that the socket belongs to: every length is
 * checked, an entry that does not fit ends the journal with a counted error.
 */

#include <linux/types.h>

#include "limits.h"

enum mf_journal_kind {
	MF_J_BEGIN = 1, /* struct mf_j_begin: a request is in flight from `stamp` on */
	MF_J_END = 2, /* struct mf_j_end: it is not any more, from `stamp` on */
	MF_J_CANCEL = 3, /* struct mf_j_ref: the client cancelled it; it stays in flight */
	MF_J_IDENTIFY =
		4, /* struct mf_j_begin: what an over-long line turned out to be; no new epoch */
	MF_J_TOOL = 5, /* struct mf_j_tool: a tool definition in force from now on */
	MF_J_SERVER = 6, /* struct mf_j_server: what the server says it is */
	MF_J_COUNTERS = 7, /* struct mf_j_counters, absolute values */
	MF_J_EXIT = 8, /* struct mf_j_exit: the root process is gone; the last entry */
	MF_J_RESUME = 9, /* struct mf_j_begin: still in flight, said to a new recorder */
	MF_J_GRANTS = 10, /* struct mf_j_grants: what a policy allows the call by its arguments;
			   * follows BEGIN or RESUME, and stands again for a policy that replaces
			   * the one before while the call is in flight */
};

enum mf_method {
	MF_M_TOOLS_CALL = 1,
	MF_M_RESOURCES_READ = 2,
	MF_M_PROMPTS_GET = 3,
	MF_M_UNREADABLE = 4, /* a line that could not be read as JSON: it may be a request */
	MF_M_OVERLONG = 5, /* a line over the parse limit, not read yet */
};

enum mf_end {
	MF_END_RESPONSE = 1,
	MF_END_CANCELLED = 2,
	MF_END_TIMEOUT = 3,
	MF_END_SERVER_EXIT = 4,
	MF_END_TASK = 5, /* a task reached its terminal state */
	MF_END_RELAY_GONE = 6, /* said by the recorder, never by the relay */
};

enum mf_outcome {
	MF_OUT_NONE = 0, /* there was no answer */
	MF_OUT_RESULT = 1, /* a result without isError */
	MF_OUT_TOOL_ERROR = 2, /* isError: true */
	MF_OUT_RPC_ERROR = 3, /* a JSON-RPC error */
	MF_OUT_UNREADABLE = 4, /* an answer whose content was not read */
};

/* mf_j_begin.flags, mf_j_end.flags */
enum {
	MF_JF_ID_MISSING = 1 << 0,
	MF_JF_ID_NULL = 1 << 1,
	MF_JF_ID_SHARED = 1 << 2, /* another request in flight has the same id */
	MF_JF_DUP_KEYS = 1 << 3, /* a key that matters stands twice, or in another case */
	MF_JF_BAD_UTF8 = 1 << 4,
	MF_JF_ARGS_CUT = 1 << 5, /* args holds less than args_total bytes */
	MF_JF_ARGS_UNREAD = 1 << 6, /* the arguments were not read: the line was too long */
	MF_JF_TEXT_CUT = 1 << 7,
	MF_JF_BATCH = 1 << 8, /* the line was a JSON-RPC batch */
	MF_JF_DIGEST_ONLY = 1 << 9, /* args and text are withheld, the digests are there */
	MF_JF_TASK = 1 << 10, /* answered with a task that goes on */
	MF_JF_NOT_REQUEST = 1 << 11, /* of an end: the over-long line turned out to be no request */
};

struct mf_journal_entry {
	__u16 kind; /* enum mf_journal_kind */
	__u16 version;
	__u32 size;
	__u64 t_ns; /* CLOCK_MONOTONIC */
	__u64 ordinal; /* of the request, from 1; 0 when the entry is about the session */
	__u64 stamp; /* the page's stamp from now on */
};

struct mf_j_begin {
	__u8 args_sha256[32]; /* of the whole arguments value, as sent */
	__u64 args_total; /* its bytes */
	__u32 flags;
	__u16 method; /* enum mf_method */
	__u16 id_len; /* the id as written in the line, quotes included */
	__u32 tool_len; /* tool or prompt name decoded from JSON, or the resource's URI */
	__u32 args_len; /* JSON text as sent */
	__u32 trace_len; /* traceparent */
	__u32 method_len; /* the method as written, for MF_M_UNREADABLE and later methods */
	/* id, tool, args, trace, method */
};

struct mf_j_end {
	__u8 reply_sha256[32]; /* of the whole line without the newline, when it was one line */
	__u64 reply_total; /* its bytes */
	__u32 flags;
	__u16 end; /* enum mf_end */
	__u16 outcome; /* enum mf_outcome */
	__u32 text_len; /* first text content, or the error's message; decoded */
	__u32 pad;
	/* text */
};

struct mf_j_ref {
	__u32 flags;
	__u32 pad;
};

struct mf_j_grants {
	__u32 image_len; /* abi/policy.h with MF_POL_GRANTS; 0: it could not be told */
	__u32 parity; /* last bit of the generation of the policy */
	/* image */
};

/* a hint is 0 absent, 1 false, 2 true */
struct mf_j_tool {
	__u8 sha256[32]; /* of the definition's JSON text as sent */
	__u8 read_only;
	__u8 destructive;
	__u8 idempotent;
	__u8 open_world;
	__u32 name_len;
	/* name */
};

struct mf_j_server {
	__u16 name_len;
	__u16 version_len;
	__u16 protocol_len;
	__u16 pad;
	/* name, version, protocol */
};

struct mf_j_counters {
	__u64 lines_in; /* client → server */
	__u64 lines_out;
	__u64 bytes_in;
	__u64 bytes_out;
	__u64 not_protocol_in; /* lines that are no JSON-RPC */
	__u64 not_protocol_out;
	__u64 overlong_in;
	__u64 overlong_out;
	__u64 unmatched; /* answers without a request */
	__u64 journal_lost; /* entries that the journal could not take */
	__u64 messages_dropped; /* mcpfloor's own lines that stderr could not take */
};

struct mf_j_exit {
	__u32 status; /* as in wait(2) */
	__u32 leftovers; /* processes that had to be killed */
	__u32 flags; /* MF_EXIT_* */
	__u32 pad;
};

enum {
	MF_EXIT_TERM_SENT = 1 << 0, /* the root had to be asked with SIGTERM */
	MF_EXIT_KILL_SENT = 1 << 1, /* and had to be killed */
};

#ifndef __bpf__
_Static_assert(sizeof(struct mf_journal_entry) == 32, "struct mf_journal_entry");
_Static_assert(sizeof(struct mf_j_begin) == 64, "struct mf_j_begin");
_Static_assert(sizeof(struct mf_j_end) == 56, "struct mf_j_end");
_Static_assert(sizeof(struct mf_j_tool) == 40, "struct mf_j_tool");
_Static_assert(sizeof(struct mf_j_server) == 8, "struct mf_j_server");
_Static_assert(sizeof(struct mf_j_counters) == 88, "struct mf_j_counters");
_Static_assert(sizeof(struct mf_j_exit) == 16, "struct mf_j_exit");
#endif
