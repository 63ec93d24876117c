/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The requests of one session that are in flight, and which answer ends which of them.
 *
 * Requests whose ids may be equal to some peer (mcp/id_key.h) form a group. A group of one ends
 * with its answer. In a larger group it cannot be known whose answer one is, so all its requests
 * stay in flight until as many answers came as there are requests; each is flagged
 * MF_JF_ID_SHARED. What an answer said is given to the one request that wrote its id as the answer
 * does, to none when there are several.
 *
 * Time is the caller's (CLOCK_MONOTONIC, ns); there is no clock here.
 */

#include "base/cleanup.h"
#include "mcp/message.h"

#define PENDING_TIMEOUT_NS (3600ULL * 1000000000ULL) /* without an answer */
#define PENDING_CANCELLED_NS (300ULL * 1000000000ULL) /* after the client cancelled it */
#define PENDING_NO_ID_NS (60ULL * 1000000000ULL) /* no answer can be told to be its */

/* What is known of an answer. `text` is malloc()ed, or NULL. */
struct pending_answer {
	uint16_t outcome; /* enum mf_outcome */
	uint32_t flags; /* MF_JF_TEXT_CUT, MF_JF_BAD_UTF8, MF_JF_DUP_KEYS */
	uint8_t sha256[32];
	uint64_t total;
	uint8_t *text;
	size_t text_size;
};

struct pending_group;

enum pending_clock {
	PENDING_USUAL = 0,
	PENDING_CANCELLED,
	PENDING_NO_ID,
	PENDING_CLOCKS,
};

struct pending_request {
	uint64_t ordinal;
	uint32_t flags; /* MF_JF_* */
	uint16_t method; /* enum mf_method */
	uint16_t end; /* enum mf_end, once it ended */
	bool answered;
	struct pending_answer answer;

	/* the owner's: where it stands in the page, and its journal entry for a new recorder */
	int slot;
	void *begin; /* malloc()ed */
	size_t begin_size;
	void *call; /* what a policy that comes later will ask of it, malloc()ed; NULL: none */
	struct {
		void *entry; /* a GRANTS entry, by malloc; NULL: none */
		size_t size;
	} grants[2]; /* by the last bit of a policy's generation */

	/* the table's */
	enum pending_clock clock;
	uint64_t deadline_ns;
	struct pending_request *earlier, *later; /* by deadline, of the same clock */
	struct pending_group *group; /* NULL: no usable id */
	struct pending_request *mate; /* next of the group */
	struct pending_request *next_ended; /* of a list that the table returned */
	uint8_t *raw_id;
	size_t raw_id_size;
};

struct pending;

int pending_new(struct pending **ret_table);
void pending_free(struct pending **table);
#define _cleanup_pending_ _cleanup_(pending_free)

void pending_request_free(struct pending_request *request);

/*
 * A request begins. `id` may be missing or null. The table owns *ret_request until it is ended.
 */
int pending_add(struct pending *table, const struct mcp_id *id, uint64_t ordinal, uint64_t now_ns,
		struct pending_request **ret_request);
/* The id of a request that began before it was read. */
int pending_identify(struct pending *table, struct pending_request *request,
		     const struct mcp_id *id, uint64_t now_ns);

/*
 * An answer came. Takes over answer->text. Returns what ended by it, linked by next_ended, the
 * caller's to free; *ret_matched: there was a request for it.
 */
struct pending_request *pending_reply(struct pending *table, const struct mcp_id *id,
				      struct pending_answer *answer, bool *ret_matched);
/* The answer says that a task goes on under `task`. Its requests stay in flight, flagged
 * MF_JF_TASK. Returns 1 when there was a request for it. */
int pending_task(struct pending *table, const struct mcp_id *id, const struct mcp_text *task);
/* That task came to its end. */
struct pending_request *pending_task_end(struct pending *table, const struct mcp_text *task,
					 struct pending_answer *answer, bool *ret_matched);
/* Calls `each` for every request that the client cancelled by this id. */
void pending_cancel(struct pending *table, const struct mcp_id *id, uint64_t now_ns,
		    void (*each)(struct pending_request *request, void *data), void *data);
/* Takes it out, whatever its state; with it what its group was only waiting for. */
struct pending_request *pending_remove(struct pending *table, struct pending_request *request,
				       uint16_t end);
/* What has waited too long by now. */
struct pending_request *pending_expire(struct pending *table, uint64_t now_ns);
/* When to call pending_expire() next; UINT64_MAX: nothing is in flight. */
uint64_t pending_deadline_ns(const struct pending *table);
/* Whether an answer is to come to a request with an id that was neither cancelled nor answered with
 * a task. */
bool pending_awaited(const struct pending *table);
size_t pending_count(const struct pending *table);
/* Everything in flight; `each` must not change the table. */
void pending_each(struct pending *table, void (*each)(struct pending_request *request, void *data),
		  void *data);
/* Any one of them; NULL: none. */
struct pending_request *pending_any(struct pending *table);
