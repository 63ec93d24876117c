/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/render.h"

#include <string.h>

#include "base/escape.h"
#include "record/render_parts.h"
#include "record/render_rows.h"
#include "record/tree.h"

#define CLAIM_MAX 160 /* bytes of a reply that are shown */

const char *render_paint(const struct render_style *style, const char *code)
{
	return style->color ? code : "";
}

/* " · " between parts, but not before the first. */
static int part(struct buf *out, bool *started)
{
	int err = *started ? buf_append_str(out, " · ") : 0;

	*started = true;
	return err;
}

static int counted(struct buf *out, bool *started, long long count, const char *one,
		   const char *many)
{
	int err;

	if (!count)
		return 0;
	err = part(out, started);
	return err ? err : buf_printf(out, "%lld %s", count, count == 1 ? one : many);
}

int render_summary(struct buf *out, yajl_val entry)
{
	yajl_val summary = tree_get(entry, "summary");
	static const struct {
		const char *key, *one, *many;
	} counts[] = {
		{ "policy_violations", "policy violation", "policy violations" },
		{ "lsm_blocks", "block", "blocks" },
		{ "alerts", "alert", "alerts" },
		{ "unexpected_subprocesses", "unexpected subprocess", "unexpected subprocesses" },
		{ "files_read", "file read", "files read" },
		{ "files_written", "file written", "files written" },
	};
	yajl_val hosts = tree_get(summary, "hosts");
	yajl_val listens = tree_get(summary, "listens");
	bool started = false;
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(counts) && !err; i++)
		err = counted(out, &started, tree_number(summary, counts[i].key), counts[i].one,
			      counts[i].many);
	for (size_t i = 0; i < tree_count(hosts) && !err; i++) {
		err = part(out, &started);
		if (!err)
			err = tree_print_value(out, tree_at(hosts, i));
	}
	for (size_t i = 0; i < tree_count(listens) && !err; i++) {
		err = part(out, &started);
		if (!err)
			err = buf_append_str(out, "listens on ");
		if (!err)
			err = tree_print_value(out, tree_at(listens, i));
	}
	/* what no count names is in the rows all the same: forks, directories */
	if (!err && !started)
		err = counted(out, &started, tree_number(summary, "events"), "other event",
			      "other events");
	return err || started ? err : buf_append_str(out, "nothing");
}

static int render_list(struct buf *out, const char *head, yajl_val array)
{
	int err;

	if (!tree_count(array))
		return 0;
	err = buf_printf(out, "  %-10s ", head);
	for (size_t i = 0; i < tree_count(array) && !err; i++) {
		if (i)
			err = buf_append_str(out, ", ");
		if (!err)
			err = tree_print_value(out, tree_at(array, i));
	}
	return err ? err : buf_append_str(out, "\n");
}

static int render_lost(struct buf *out, yajl_val lost)
{
	int err = 0;

	if (!YAJL_IS_OBJECT(lost) || !YAJL_GET_OBJECT(lost)->len)
		return 0;
	err = buf_printf(out, "  %-10s", "lost");
	for (size_t i = 0; i < YAJL_GET_OBJECT(lost)->len && !err; i++) {
		const char *key = YAJL_GET_OBJECT(lost)->keys[i];

		err = buf_append_str(out, i ? ", " : " ");
		if (!err)
			err = escape_text(out, key, strlen(key));
		if (!err)
			err = buf_append_str(out, " ");
		if (!err)
			err = tree_print_value(out, YAJL_GET_OBJECT(lost)->values[i]);
	}
	return err ? err : buf_append_str(out, "\n");
}

/* What stands under the rows of a record and of a background entry: what is missing, and why. */
static int render_completeness(struct buf *out, const struct render_style *style, yajl_val entry)
{
	yajl_val complete = tree_get(entry, "complete");
	int err = 0;

	if (YAJL_IS_FALSE(complete))
		err = buf_printf(out, "  %sincomplete%s", render_paint(style, BOLD),
				 render_paint(style, PLAIN));
	for (size_t i = 0; !err && i < tree_count(tree_get(entry, "incomplete")); i++) {
		err = buf_append_str(out, i ? ", " : " ");
		if (!err)
			err = tree_print_value(out, tree_at(tree_get(entry, "incomplete"), i));
	}
	if (!err && YAJL_IS_FALSE(complete))
		err = buf_append_str(out, "\n");
	return err ? err : render_lost(out, tree_get(entry, "lost"));
}

static int render_duration(struct buf *out, long long ns)
{
	return buf_printf(out, "%lld.%lld ms", ns / 1000000, ns / 100000 % 10);
}

int render_who(struct buf *out, yajl_val record)
{
	yajl_val session = tree_get(record, "session");
	int err = tree_print(out, session, "name");

	if (!err && *tree_text(record, "tenant"))
		err = buf_append_str(out, "   tenant ");
	return err ? err : tree_print(out, record, "tenant");
}

int render_id(struct buf *out, yajl_val record)
{
	yajl_val id = tree_get(record, "req_id");

	return id ? tree_print(out, record, "req_id") : buf_append_str(out, "(no id)");
}

/* "policy crm.policy@9f3c57a1   " */
static int render_policy(struct buf *out, yajl_val policy)
{
	int err = buf_append_str(out, "policy ");

	if (!err)
		err = tree_print(out, policy, "name");
	return err ? err : buf_printf(out, "@%.8s   ", tree_text(policy, "sha256"));
}

static int render_header(struct buf *out, const struct render_style *style, yajl_val record)
{
	int err = buf_append_str(out, render_paint(style, BOLD));

	if (!err)
		err = render_id(out, record);
	if (!err)
		err = buf_append_str(out, "  ");
	if (!err)
		err = tree_print(out, record, tree_get(record, "tool") ? "tool" : "method");
	if (!err)
		err = buf_printf(out, "%s   ", render_paint(style, PLAIN));
	if (!err)
		err = render_who(out, record);
	if (!err)
		err = buf_append_str(out, "   ");
	if (!err)
		err = render_duration(out, tree_number(record, "duration_ns"));
	if (!err)
		err = buf_append_str(out, "   ");
	if (!err && tree_get(record, "policy"))
		err = render_policy(out, tree_get(record, "policy"));
	if (!err)
		err = tree_print(out, record, "mode");
	if (!err && tree_count(tree_get(tree_get(record, "policy"), "not_refused")))
		err = buf_append_str(out, " in part");
	if (!err)
		err = buf_append_str(out, " (");
	if (!err)
		err = tree_print(out, record, "engine");
	if (!err)
		err = buf_append_str(out, ")   ");
	if (!err)
		err = tree_print(out, record, "uid");
	return err ? err : buf_append_str(out, "\n");
}

static int render_claim(struct buf *out, yajl_val record)
{
	yajl_val log = tree_get(record, "app_log");
	const char *outcome = tree_text(log, "outcome");
	const char *text = tree_text(log, "text");
	int err = buf_printf(out, "  %-10s ", "app says");

	if (!err)
		err = tree_print(out, log, "outcome");
	if (!err && *text && strcmp(text, outcome) != 0) {
		err = buf_append_str(out, ": ");
		if (!err)
			err = tree_print_text(out, log, text, CLAIM_MAX);
	}
	if (!err && strcmp(tree_text(record, "end"), "response") != 0) {
		err = buf_append_str(out, "   (ended by ");
		if (!err)
			err = tree_print(out, record, "end");
		if (!err)
			err = buf_append_str(out, ")");
	}
	return err ? err : buf_append_str(out, "\n");
}

static int render_seen(struct buf *out, const struct render_style *style, yajl_val entry)
{
	int err = buf_printf(out, "  %s%-10s%s ", render_paint(style, BOLD), "kernel saw",
			     render_paint(style, PLAIN));

	if (!err)
		err = render_summary(out, entry);
	return err ? err : buf_append_str(out, "\n");
}

static bool names_uid(yajl_val event, const char *uid)
{
	yajl_val candidates = tree_get(event, "candidates");

	if (strcmp(tree_text(event, "request"), uid) == 0)
		return true;
	for (size_t i = 0; i < tree_count(candidates); i++) {
		if (strcmp(tree_string(tree_at(candidates, i)), uid) == 0)
			return true;
	}
	return false;
}

/* Calls `each` for the events of `late` that name the record. */
static int for_late(const struct json_text *late, size_t count, const char *uid,
		    int (*each)(yajl_val batch, yajl_val event, bool first, void *data), void *data)
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_tree_ yajl_val batch = tree_parse(late[i].json, late[i].size);
		yajl_val events = tree_get(batch, "events");
		bool first = true;

		if (!batch)
			return -EBADMSG;
		for (size_t k = 0; k < tree_count(events); k++) {
			int err = 0;

			if (names_uid(tree_at(events, k), uid)) {
				err = each(batch, tree_at(events, k), first, data);
				first = false;
			}
			if (err)
				return err;
		}
	}
	return 0;
}

struct late_out {
	struct buf *out;
	const struct render_style *style;
	bool any;
	size_t kind_width;
};

static int late_row(yajl_val batch, yajl_val event, bool first, void *data)
{
	struct late_out *late = data;
	int err = 0;

	if (first) {
		err = buf_append_str(late->out, "  after its end, from ");
		if (!err)
			err = tree_print(late->out, batch, "started");
		if (!err)
			err = buf_append_str(late->out, "\n");
		late->kind_width = render_kind_width(tree_get(batch, "events"), late->kind_width);
	}
	return err ? err : render_row(late->out, late->style, event, late->kind_width);
}

int render_record(struct buf *out, const struct render_style *style, const struct json_text *record,
		  const struct json_text *late, size_t late_count)
{
	_cleanup_tree_ yajl_val tree = tree_parse(record->json, record->size);
	struct late_out late_out = { .out = out, .style = style };
	int err;

	if (!tree)
		return -EBADMSG;
	err = render_header(out, style, tree);
	if (!err)
		err = render_claim(out, tree);
	if (!err)
		err = render_seen(out, style, tree);
	if (!err)
		err = render_list(out, "contradicts",
				  tree_get(tree_get(tree, "claims"), "contradictions"));
	if (!err)
		err = render_list(out, "notes", tree_get(tree, "notes"));
	if (!err)
		err = render_rows(out, style, tree_get(tree, "events"));
	if (!err && tree_number(tree, "events_more"))
		err = buf_printf(out, "  … and %lld more events, counted only\n",
				 tree_number(tree, "events_more"));
	late_out.kind_width = render_kind_width(tree_get(tree, "events"), 0);
	if (!err)
		err = for_late(late, late_count, tree_text(tree, "uid"), late_row, &late_out);
	return err ? err : render_completeness(out, style, tree);
}

static int late_json(yajl_val batch, yajl_val event, bool first, void *data)
{
	struct late_out *late = data;
	int err = buf_append_str(late->out, late->any ? "," : ",\"late_events\":[");

	(void)first;
	late->any = true;
	return err ? err : render_late_json(late->out, tree_text(batch, "started"), event);
}

int render_record_json(struct buf *out, const struct json_text *record,
		       const struct json_text *late, size_t late_count)
{
	_cleanup_tree_ yajl_val tree = tree_parse(record->json, record->size);
	struct late_out late_out = { .out = out };
	size_t size = record->size;
	int err;

	if (!tree)
		return -EBADMSG;
	while (size && record->json[size - 1] != '}')
		size--;
	err = buf_append(out, record->json, size - 1);
	if (!err)
		err = for_late(late, late_count, tree_text(tree, "uid"), late_json, &late_out);
	if (!err && late_out.any)
		err = buf_append_str(out, "]");
	return err ? err : buf_append_str(out, "}\n");
}

int render_background(struct buf *out, const struct render_style *style,
		      const struct json_text *background)
{
	_cleanup_tree_ yajl_val tree = tree_parse(background->json, background->size);
	int err;

	if (!tree)
		return -EBADMSG;
	err = buf_printf(out, "%sbackground%s  ", render_paint(style, BOLD),
			 render_paint(style, PLAIN));
	if (!err)
		err = render_who(out, tree);
	if (!err)
		err = buf_append_str(out, "   ");
	if (!err)
		err = tree_print(out, tree_get(tree, "session"), "id");
	if (!err)
		err = buf_append_str(out, "   from ");
	if (!err)
		err = tree_print(out, tree, "started");
	if (!err)
		err = buf_append_str(out, "\n");
	if (!err)
		err = render_seen(out, style, tree);
	if (!err)
		err = render_rows(out, style, tree_get(tree, "events"));
	return err ? err : render_completeness(out, style, tree);
}

int record_has_id(const struct json_text *record, const char *id)
{
	_cleanup_tree_ yajl_val tree = tree_parse(record->json, record->size);
	yajl_val value = tree_get(tree, "req_id");
	const char *text = tree_string(value);
	size_t length = strlen(id);

	if (!tree)
		return -EBADMSG;
	if (YAJL_IS_NUMBER(value))
		return strcmp(value->u.number.r, id) == 0;
	if (!YAJL_IS_STRING(value))
		return 0;
	if (strcmp(text, id) == 0)
		return 1;
	return length >= 2 && id[0] == '"' && id[length - 1] == '"' && strlen(text) == length - 2 &&
	       strncmp(text, id + 1, length - 2) == 0;
}
