/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The in-flight page: which requests of one session are in flight now.
 *
 * One per session, an inner map (one-element BPF_F_MMAPABLE array) of `pages`. The relay maps
 * it writable and is its only writer; the BPF programs read it when an event happens. The relay
 * publishes a request *before* it forwards the request's line, so the server cannot act on a
 * request that the page does not show yet.
 *
 * `stamp` is one word, so that a reader gets epoch and count of the same moment:
 *	bits 63..16  epoch: grows by one whenever the set of requests in flight changes
 *	bits 15..0   number of requests in flight, saturating at 65535
 * The recorder knows each epoch's set from the relay's journal (abi/journal.h), so an event needs
 * to carry the stamp only. The first stamp of a session is 0: epoch 0, nothing in flight.
 *
 * Writing order: a call's block and grants, its ordinal, `only`, then `stamp` with release
 * semantics. A call that ends: ordinal, `only`, then `stamp`; its grants' units are used again afterwards.
 */

#include <linux/types.h>

#include "limits.h"
#include "units.h"

/*
 * A request in flight, and what holds for it, where the session has a policy. While a policy is
 * being replaced, both the old and the new one must find theirs: the last bit of a policy's
 * generation says which of the two is meant.
 */
struct mf_page_call {
	__u64 ordinal; /* 0: free */
	__u32 block[2]; /* of its tool */
	__u32 grants
		[2]; /* of its arguments: the first of mf_page.units that has them, plus 1; 0: none */
};

struct mf_page {
	__u64 stamp;
	__u32 version; /* MF_ABI_VERSION, written by the guard */
	__u32 overflow; /* 1: more in flight than slots, the slots do not name all */
	__u64 session; /* session id, written by the guard */
	__u64 only; /* the ordinal in flight, where exactly one is; else 0 */
	__u64 reserved[28];
	struct mf_page_call calls[MF_PAGE_SLOTS]; /* in any order */
	__u64 spare[(MF_PAGE_CALLS_SIZE - 256 - 24 * MF_PAGE_SLOTS) / 8];
	struct mf_unit units[MF_PAGE_UNITS]; /* the grants of those in flight */
};

#define MF_STAMP_EPOCH(stamp) ((stamp) >> 16)
#define MF_STAMP_COUNT(stamp) ((__u32)((stamp)&0xffff))
#define MF_STAMP(epoch, count) (((__u64)(epoch) << 16) | ((count) > 0xffff ? 0xffff : (count)))

#ifndef __bpf__
_Static_assert(sizeof(struct mf_page_call) == 24, "struct mf_page_call");
_Static_assert(sizeof(struct mf_page) <= MF_PAGE_SIZE, "struct mf_page");
#endif
