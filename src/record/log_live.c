/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/log_live.h"

#include <string.h>

void log_live_note(struct log_live **first, enum log_type type, const void *payload, size_t size)
{
	struct log_live **at = first;
	struct entry_facts facts;

	if (entry_facts(payload, size, &facts) < 0)
		return;
	while (*at && strcmp((*at)->facts.session, facts.session))
		at = &(*at)->next;
	if (type == LOG_SESSION_START && !*at) {
		struct log_live *live = calloc(1, sizeof(*live));

		if (!live)
			return; /* its end would be missing only if we died as well */
		live->facts = facts;
		live->next = *first;
		*first = live;
	} else if (type == LOG_SESSION_END && *at) {
		struct log_live *live = *at;

		*at = live->next;
		free(live);
	}
}

void log_live_write(struct jsonout *json, const struct log_live *first)
{
	json_key(json, "sessions");
	json_open(json, '[');
	for (const struct log_live *live = first; live; live = live->next) {
		json_open(json, '{');
		json_kv_str(json, "id", live->facts.session);
		json_kv_str(json, "name", live->facts.name);
		json_kv_u64(json, "uid", live->facts.user);
		json_close(json, '}');
	}
	json_close(json, ']');
}

void log_live_free(struct log_live **first)
{
	while (*first) {
		struct log_live *live = *first;

		*first = live->next;
		free(live);
	}
}
