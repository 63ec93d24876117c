/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/cleanup.h"
#include "record/reader.h"

struct reading {
	struct entry_facts *facts;
	unsigned depth;
	bool in_session;
	bool done;
	char *slot; /* where the next string goes */
	size_t slot_size;
	bool user; /* the next number is the session's uid */
};

static bool is(const unsigned char *key, size_t size, const char *word)
{
	return size == strlen(word) && !memcmp(key, word, size);
}

static int on_key(void *data, const unsigned char *key, size_t size)
{
	struct reading *reading = data;
	struct entry_facts *facts = reading->facts;

	reading->slot = NULL;
	reading->user = false;
	if (reading->depth == 1) {
		/* uid stands before session, and nothing of interest behind it */
		if (facts->session[0])
			reading->done = true;
		reading->in_session = is(key, size, "session");
		if (is(key, size, "uid")) {
			reading->slot = facts->uid;
			reading->slot_size = sizeof(facts->uid);
		}
	} else if (reading->depth == 2 && reading->in_session) {
		if (is(key, size, "id")) {
			reading->slot = facts->session;
			reading->slot_size = sizeof(facts->session);
		} else if (is(key, size, "name")) {
			reading->slot = facts->name;
			reading->slot_size = sizeof(facts->name);
		}
		reading->user = is(key, size, "uid");
	}
	return !reading->done;
}

static int on_string(void *data, const unsigned char *text, size_t size)
{
	struct reading *reading = data;

	if (reading->slot && size < reading->slot_size) {
		memcpy(reading->slot, text, size);
		reading->slot[size] = '\0';
	}
	reading->slot = NULL;
	return 1;
}

static int on_number(void *data, const char *text, size_t size)
{
	struct reading *reading = data;
	char digits[12] = { 0 };

	if (reading->user && size < sizeof(digits)) {
		memcpy(digits, text, size);
		reading->facts->user = (uint32_t)strtoul(digits, NULL, 10);
	}
	reading->user = false;
	return 1;
}

static int on_open(void *data)
{
	((struct reading *)data)->depth++;
	return 1;
}

static int on_close(void *data)
{
	((struct reading *)data)->depth--;
	return 1;
}

static void free_parser(yajl_handle *parser)
{
	if (*parser)
		yajl_free(*parser);
}

int entry_facts(const char *json, size_t size, struct entry_facts *ret_facts)
{
	static const yajl_callbacks callbacks = { .yajl_map_key = on_key,
						  .yajl_string = on_string,
						  .yajl_number = on_number,
						  .yajl_start_map = on_open,
						  .yajl_end_map = on_close,
						  .yajl_start_array = on_open,
						  .yajl_end_array = on_close };
	struct entry_facts facts = { .user = UINT32_MAX };
	struct reading reading = { .facts = &facts };
	_cleanup_(free_parser) yajl_handle parser = yajl_alloc(&callbacks, NULL, &reading);
	yajl_status status;

	if (!parser)
		return -ENOMEM;
	status = yajl_parse(parser, (const unsigned char *)json, size);
	if (status == yajl_status_error)
		return -EBADMSG;
	*ret_facts = facts;
	return 0;
}
