/* SPDX-License-Identifier: BSD-2-Clause */

/* The ends that no message tells: time, the server's exit, a recorder's. */

#include <string.h>

#include "base/clock.h"
#include "relay/entries.h"
#include "relay/traffic.h"
#include "relay/traffic_internal.h"

void traffic_expire(struct traffic *traffic, uint64_t now_ns)
{
	struct pending_request *expired;

	while ((expired = pending_expire(traffic->pending, now_ns)))
		traffic_end_all(traffic, expired);
}

void traffic_server_exit(struct traffic *traffic)
{
	struct pending_request *request;

	while ((request = pending_any(traffic->pending)))
		traffic_end_all(traffic,
				pending_remove(traffic->pending, request, MF_END_SERVER_EXIT));
}

static void resume_one(struct pending_request *request, void *data)
{
	struct traffic *traffic = data;
	struct mf_journal_entry *entry = request->begin;

	if (!request->ordinal)
		return;
	if (!entry) {
		traffic->journal.lost++;
		return;
	}
	entry->stamp = traffic->page.stamp;
	journal_put(&traffic->journal, entry, request->begin_size);
	for (size_t i = 0; i < ARRAY_LEN(request->grants); i++)
		if (request->grants[i].entry)
			journal_put(&traffic->journal, request->grants[i].entry,
				    request->grants[i].size);
}

void traffic_resume(struct traffic *traffic, int journal_fd)
{
	journal_replace(&traffic->journal, journal_fd);
	pending_each(traffic->pending, resume_one, traffic);
	traffic_counters(traffic);
}

void traffic_counters(struct traffic *traffic)
{
	traffic->counters.journal_lost = traffic->journal.lost;
	traffic_put_entry(traffic, entry_plain(MF_J_COUNTERS, 0, clock_mono_ns(),
					       traffic->page.stamp, &traffic->counters,
					       sizeof(traffic->counters), &traffic->entry));
}

void traffic_exit(struct traffic *traffic, uint32_t status, uint32_t leftovers, uint32_t flags)
{
	struct mf_j_exit body = { .status = status, .leftovers = leftovers, .flags = flags };

	traffic_put_entry(traffic, entry_plain(MF_J_EXIT, 0, clock_mono_ns(), traffic->page.stamp,
					       &body, sizeof(body), &traffic->entry));
}
