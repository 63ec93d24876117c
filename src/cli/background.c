/* SPDX-License-Identifier: BSD-2-Clause */

#include "cli/background.h"

#include <errno.h>
#include <string.h>

#include "cli/brief.h"
#include "record/jsonout.h"
#include "record/tree.h"

#define LISTED_MAX 64 /* hosts, and reasons, that a row names */

/* counts of a summary that can be added up; how many different files there were cannot */
static const char *const sums[] = { "policy_violations", "lsm_blocks", "unexpected_subprocesses",
				    "alerts", "events" };
static const char *const distinct[] = { "files_read", "files_written" };

struct strings {
	char *text[LISTED_MAX];
	size_t count;
	bool more;
};

struct background {
	struct background *next;
	char session[sizeof(((struct entry_facts *)NULL)->session)];
	yajl_val last; /* its newest entry, without events */
	char *started;
	size_t entries;
	long long sum[ARRAY_LEN(sums)];
	struct strings hosts, listens, incomplete;
};

static void free_strings(struct strings *strings)
{
	for (size_t i = 0; i < strings->count; i++)
		free(strings->text[i]);
}

static void free_background(struct background *row)
{
	if (row->last)
		yajl_tree_free(row->last);
	free_strings(&row->hosts);
	free_strings(&row->listens);
	free_strings(&row->incomplete);
	free(row->started);
	free(row);
}

void backgrounds_free(struct backgrounds *list)
{
	while (list->first) {
		struct background *row = list->first;

		list->first = row->next;
		free_background(row);
	}
	list->last = NULL;
}

static int add_string(struct strings *strings, const char *text)
{
	for (size_t i = 0; i < strings->count; i++)
		if (strcmp(strings->text[i], text) == 0)
			return 0;
	if (strings->count == LISTED_MAX) {
		strings->more = true;
		return 0;
	}
	strings->text[strings->count] = strdup(text);
	if (!strings->text[strings->count])
		return -ENOMEM;
	strings->count++;
	return 0;
}

static int add_strings(struct strings *strings, yajl_val array)
{
	int err = 0;

	for (size_t i = 0; i < tree_count(array) && !err; i++)
		err = add_string(strings, tree_string(tree_at(array, i)));
	return err;
}

static struct background *find_or_make(struct backgrounds *list, const char *session)
{
	struct background *row = list->first;

	while (row && strcmp(row->session, session) != 0)
		row = row->next;
	if (row)
		return row;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	snprintf(row->session, sizeof(row->session), "%s", session);
	if (!list->last)
		list->last = &list->first;
	*list->last = row;
	list->last = &row->next;
	return row;
}

int backgrounds_add(struct backgrounds *list, const struct entry_facts *facts,
		    const struct log_entry *entry)
{
	_cleanup_buf_ struct buf brief = { 0 };
	_cleanup_tree_ yajl_val tree = NULL;
	struct background *row;
	yajl_val summary;
	int err = brief_entry(&brief, entry->json, entry->size);

	if (err < 0)
		return err;
	tree = tree_parse((const char *)buf_bytes(&brief), buf_size(&brief));
	if (!tree)
		return -EBADMSG;
	row = find_or_make(list, facts->session);
	if (!row)
		return -ENOMEM;
	summary = tree_get(tree, "summary");
	for (size_t i = 0; i < ARRAY_LEN(sums); i++)
		row->sum[i] += tree_number(summary, sums[i]);
	err = add_strings(&row->hosts, tree_get(summary, "hosts"));
	if (err >= 0)
		err = add_strings(&row->listens, tree_get(summary, "listens"));
	if (err >= 0)
		err = add_strings(&row->incomplete, tree_get(tree, "incomplete"));
	if (err >= 0 && YAJL_IS_FALSE(tree_get(tree, "complete")) && !row->incomplete.count)
		err = add_string(&row->incomplete, "not said why");
	if (err >= 0 && !row->started) {
		row->started = strdup(tree_text(tree, "started"));
		err = row->started ? 0 : -ENOMEM;
	}
	if (err < 0)
		return err;
	row->entries++;
	if (row->last)
		yajl_tree_free(row->last);
	row->last = tree;
	tree = NULL;
	return 0;
}

static void copy_text(struct jsonout *json, yajl_val from, const char *key)
{
	if (*tree_text(from, key))
		json_kv_str(json, key, tree_text(from, key));
}

static void copy_number(struct jsonout *json, yajl_val from, const char *key)
{
	if (tree_get(from, key))
		json_kv_u64(json, key, (uint64_t)tree_number(from, key));
}

static void write_strings(struct jsonout *json, const char *key, const struct strings *strings)
{
	json_key(json, key);
	json_open(json, '[');
	for (size_t i = 0; i < strings->count; i++)
		json_str(json, strings->text[i]);
	json_close(json, ']');
}

static void write_summary(struct jsonout *json, const struct background *row)
{
	json_key(json, "summary");
	json_open(json, '{');
	for (size_t i = 0; i < ARRAY_LEN(sums); i++)
		json_kv_u64(json, sums[i], (uint64_t)row->sum[i]);
	for (size_t i = 0; row->entries == 1 && i < ARRAY_LEN(distinct); i++)
		copy_number(json, tree_get(row->last, "summary"), distinct[i]);
	write_strings(json, "hosts", &row->hosts);
	if (row->hosts.more)
		json_kv_bool(json, "hosts_more", true);
	if (row->listens.count)
		write_strings(json, "listens", &row->listens);
	json_close(json, '}');
}

static int write_row(struct buf *out, const struct background *row)
{
	static const char *const texts[] = { "id", "name", "server", "server_version", "protocol" };
	yajl_val session = tree_get(row->last, "session");
	struct jsonout json = { .buf = out };

	json_open(&json, '{');
	json_kv_str(&json, "schema", "mcpfloor.background/1");
	json_key(&json, "session");
	json_open(&json, '{');
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		copy_text(&json, session, texts[i]);
	copy_number(&json, session, "uid");
	copy_number(&json, session, "root_pid");
	json_close(&json, '}');
	copy_text(&json, row->last, "tenant");
	copy_text(&json, row->last, "engine");
	json_kv_str(&json, "started", row->started);
	copy_text(&json, row->last, "ended");
	json_kv_u64(&json, "entries", row->entries);
	write_summary(&json, row);
	json_kv_bool(&json, "complete", !row->incomplete.count);
	write_strings(&json, "incomplete", &row->incomplete);
	json_close(&json, '}');
	return json.error;
}

int backgrounds_take(struct backgrounds *list, const char *session, struct buf *out)
{
	struct background **at = &list->first;
	struct background *row;
	int r;

	while (*at && session && strcmp((*at)->session, session) != 0)
		at = &(*at)->next;
	row = *at;
	if (!row)
		return 0;
	*at = row->next;
	if (!*at)
		list->last = at;
	r = row->last ? write_row(out, row) : -EBADMSG;
	free_background(row);
	return r < 0 ? r : 1;
}
