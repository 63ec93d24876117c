/* SPDX-License-Identifier: BSD-2-Clause */
/* One line per entry: the lists of `requests` and `tail`. */
#include <errno.h>

#include "base/escape.h"
#include "record/render_parts.h"
#include "record/tree.h"

int render_list_header(struct buf *out, const struct render_style *style)
{
	return buf_printf(out, "%s%-27s %-12s %-24s %-16s %9s %-24s %s%s\n",
			  render_paint(style, DIM), "STARTED", "REQUEST", "TOOL", "SESSION", "MS",
			  "APP SAYS", "KERNEL SAW", render_paint(style, PLAIN));
}

/* One column of text that is escaped already: cut on a character at `width`, padded. */
static int pad_column(struct buf *out, const struct buf *clean, int width)
{
	size_t shown = 0, used = 0, size = buf_size(clean);
	int err;

	while (used < size && shown < (size_t)width) {
		unsigned code;

		used += utf8_sequence(buf_bytes(clean) + used, size - used, &code);
		shown++;
	}
	err = buf_append(out, buf_bytes(clean), used);
	return err ? err : buf_printf(out, "%*s ", (int)((size_t)width - shown), "");
}

static int column(struct buf *out, yajl_val object, const char *key, int width)
{
	_cleanup_buf_ struct buf clean = { 0 };
	int err = tree_print(&clean, object, key);

	return err ? err : pad_column(out, &clean, width);
}

static int request_columns(struct buf *out, yajl_val tree, enum log_type type)
{
	_cleanup_buf_ struct buf id = { 0 };
	long long ns = tree_number(tree, "duration_ns");
	int err = type == LOG_REQUEST ? render_id(&id, tree)
		  : type == LOG_LATE  ? buf_append_str(&id, "(late)")
				      : buf_append_str(&id, "(background)");

	if (!err)
		err = column(out, tree, "started", 27);
	if (!err)
		err = pad_column(out, &id, 12);
	if (!err)
		err = column(out, tree, tree_get(tree, "tool") ? "tool" : "method", 24);
	if (!err)
		err = column(out, tree_get(tree, "session"), "name", 16);
	if (!err)
		err = type == LOG_REQUEST
			      ? buf_printf(out, "%7lld.%lld ", ns / 1000000, ns / 100000 % 10)
			      : buf_printf(out, "%9s ", "");
	if (!err)
		err = column(out, tree_get(tree, "app_log"), "outcome", 24);
	return err;
}

int render_list_row(struct buf *out, const struct render_style *style,
		    const struct log_entry *entry)
{
	_cleanup_tree_ yajl_val tree = tree_parse(entry->json, entry->size);
	yajl_val complete = tree_get(tree, "complete");
	int err;

	(void)style;
	if (!tree)
		return -EBADMSG;
	err = request_columns(out, tree, entry->type);
	if (!err)
		err = render_summary(out, tree);
	if (!err && tree_number(tree, "entries") > 1)
		err = buf_printf(out, " · %lld entries", tree_number(tree, "entries"));
	if (!err && YAJL_IS_FALSE(complete))
		err = buf_append_str(out, " · incomplete");
	return err ? err : buf_append_str(out, "\n");
}

/* When, what, and of which session: what every line begins with that is about one as a whole */
static int render_line_head(struct buf *out, yajl_val tree, const char *time, const char *what)
{
	int err = column(out, tree, time, 27);

	if (!err)
		err = buf_printf(out, "%-12s ", what);
	if (!err)
		err = render_who(out, tree);
	if (!err)
		err = buf_append_str(out, "   ");
	return err ? err : tree_print(out, tree_get(tree, "session"), "id");
}

static int render_session_line(struct buf *out, yajl_val tree, const char *what)
{
	int err =
		render_line_head(out, tree, *tree_text(tree, "ended") ? "ended" : "started", what);

	if (!err && *tree_text(tree, "end"))
		err = buf_append_str(out, "   ended by ");
	if (!err)
		err = tree_print(out, tree, "end");
	return err ? err : buf_append_str(out, "\n");
}

/* "… policy   crm-server   d682b49e9a2863f1   loaded: crm.policy, generation 2, enforce" */
static int render_policy_line(struct buf *out, yajl_val tree)
{
	yajl_val policy = tree_get(tree, "policy");
	int err = render_line_head(out, tree, "time", "policy");

	if (!err)
		err = buf_append_str(out, "   ");
	if (!err)
		err = tree_print(out, tree, "change");
	if (!err)
		err = buf_append_str(out, ": ");
	if (!err)
		err = tree_print(out, policy, "name");
	if (!err)
		err = buf_printf(out, ", generation %lld, ", tree_number(policy, "generation"));
	if (!err)
		err = tree_print(out, tree, "mode");
	return err ? err : buf_append_str(out, "\n");
}

int render_tail(struct buf *out, const struct render_style *style, const struct log_entry *entry)
{
	_cleanup_tree_ yajl_val tree = NULL;
	int err;

	switch (entry->type) {
	case LOG_REQUEST:
	case LOG_LATE:
	case LOG_BACKGROUND:
		return render_list_row(out, style, entry);
	default:
		break;
	}
	tree = tree_parse(entry->json, entry->size);
	if (!tree)
		return -EBADMSG;
	switch (entry->type) {
	case LOG_SESSION_START:
		return render_session_line(out, tree, "start");
	case LOG_SESSION_END:
		return render_session_line(out, tree, "end");
	case LOG_POLICY:
		return render_policy_line(out, tree);
	case LOG_GAP:
		err = buf_append_str(out, "gap: something is missing here: ");
		if (!err)
			err = tree_print(out, tree, "reason");
		return err ? err : buf_append_str(out, "\n");
	default:
		return 0; /* a segment's own entries say nothing to people */
	}
}
