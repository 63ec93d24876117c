/* SPDX-License-Identifier: BSD-2-Clause */

/* What the session's policy, and the one that is to replace it, say of each request in flight. */

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "relay/entries.h"
#include "relay/traffic.h"
#include "relay/traffic_internal.h"

static struct page_hold make(struct traffic *traffic, unsigned parity,
			     const struct grants_call *call)
{
	struct grants_made *made = &traffic->grants.made[parity];
	int result = grants_make(&traffic->grants, parity, call);

	return (struct page_hold){ .block = made->block,
				   .grants = result > 0 ? &made->view : NULL };
}

void traffic_hold(struct traffic *traffic, struct pending_request *request,
		  const struct mcp_message *message, struct page_hold ret_hold[2])
{
	struct grants_call call = grants_call_of(message);
	unsigned now = grants_parity(&traffic->grants);

	traffic_drop_call(traffic, request);
	request->call = grants_keep(&traffic->grants, &call);
	ret_hold[now] = make(traffic, now, &call);
	ret_hold[!now] = traffic->grants.changing ? make(traffic, !now, &call) : ret_hold[now];
}

static void put_one(struct traffic *traffic, struct pending_request *request, unsigned parity,
		    bool granted)
{
	struct entry_grants grants = { .t_ns = clock_mono_ns(),
				       .ordinal = request->ordinal,
				       .stamp = traffic->page.stamp,
				       .parity = parity,
				       .image = granted ? &traffic->grants.made[parity].image
							: NULL };
	int err = entry_grants(&grants, &traffic->entry);

	free(request->grants[parity].entry);
	request->grants[parity].entry = NULL;
	traffic_put_entry(traffic, err);
	if (err)
		return;
	request->grants[parity].entry = malloc(buf_size(&traffic->entry));
	if (!request->grants[parity].entry)
		return;
	memcpy(request->grants[parity].entry, buf_bytes(&traffic->entry),
	       buf_size(&traffic->entry));
	request->grants[parity].size = buf_size(&traffic->entry);
}

void traffic_put_grants(struct traffic *traffic, struct pending_request *request,
			const bool granted[2])
{
	const struct grants *grants = &traffic->grants;
	unsigned now = grants_parity(grants);

	if (!grants->has_policy)
		return;
	if (grants->made[now].result)
		put_one(traffic, request, now, granted[now]);
	if (grants->changing && grants->made[!now].result)
		put_one(traffic, request, !now, granted[!now]);
}

void traffic_drop_call(struct traffic *traffic, struct pending_request *request)
{
	grants_drop(&traffic->grants, request->call);
	request->call = NULL;
}

/* What was not kept, for want of room, has nothing by the new one. */
static void hold_next(struct pending_request *request, void *data)
{
	static const struct grants_call unknown;
	struct traffic *traffic = data;
	unsigned next = !grants_parity(&traffic->grants);
	struct page_hold hold;
	bool granted;

	if (!request->ordinal)
		return;
	free(request->grants[next].entry);
	request->grants[next].entry = NULL;
	hold = make(traffic, next, request->call ? request->call : &unknown);
	granted = page_hold(&traffic->page, request->slot, next, &hold);
	if (traffic->grants.made[next].result)
		put_one(traffic, request, next, granted);
}

void traffic_policy_next(struct traffic *traffic, void *image, size_t size)
{
	struct grants *grants = &traffic->grants;
	struct grants_policy *next = &grants->policy[!grants_parity(grants)];

	*next = (struct grants_policy){ .bytes = image, .size = size };
	policy_view(image, &next->view);
	grants->changing = true;
	pending_each(traffic->pending, hold_next, traffic);
}

static void hold_same(struct pending_request *request, void *data)
{
	struct traffic *traffic = data;

	if (request->ordinal)
		page_hold_same(&traffic->page, request->slot, grants_parity(&traffic->grants));
}

void traffic_policy_done(struct traffic *traffic, bool taken)
{
	struct grants *grants = &traffic->grants;
	struct grants_policy *gone;

	if (taken)
		grants->generation++;
	grants->changing = false;
	pending_each(traffic->pending, hold_same, traffic);
	gone = &grants->policy[!grants_parity(grants)];
	free(gone->bytes);
	*gone = (struct grants_policy){ 0 };
}
