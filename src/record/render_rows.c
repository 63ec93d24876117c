/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/render_rows.h"

#include <string.h>
#include <yajl/yajl_gen.h>

#include "base/escape.h"
#include "record/tree.h"

#define RED "\033[31m"
#define PLAIN "\033[0m"
#define ARGUMENT_MAX 200 /* bytes of one argument that are shown */
#define KIND_WIDTH 10 /* of the usual ones */
#define KIND_WIDTH_MAX 24 /* a log may hold anything */

static bool is_alert(yajl_val event)
{
	return strcmp(tree_text(event, "risk"), "alert") == 0;
}

static int render_time(struct buf *out, long long ns)
{
	bool before = ns < 0;
	long long tenths = (before ? -ns : ns) / 100000;

	return buf_printf(out, "  %c%lld.%lld ms", before ? '-' : '+', tenths / 10, tenths % 10);
}

static int render_process(struct buf *out, yajl_val event)
{
	size_t start = buf_size(out), width;
	int err;

	if (tree_true(event, "process_unknown"))
		err = buf_append_str(out, "? ");
	else
		err = buf_printf(out, "%lld ", tree_number(event, "pid"));
	if (!err)
		err = tree_print(out, event, "comm");
	width = buf_size(out) - start;
	return err ? err : buf_printf(out, "%*s  ", width < 22 ? (int)(22 - width) : 0, "");
}

/* One argument, so that where it ends can be told: quoted where it holds a blank or a quote. */
static int render_argument(struct buf *out, yajl_val event, const char *text)
{
	_cleanup_buf_ struct buf shown = { 0 };
	const char *at;
	int err;

	if (*text && !strpbrk(text, " \t\n\"'"))
		return tree_print_text(out, event, text, ARGUMENT_MAX);
	err = tree_print_text(&shown, event, text, ARGUMENT_MAX);
	if (!err)
		err = buf_append(&shown, "", 1);
	if (!err)
		err = buf_append_str(out, "\"");
	at = (const char *)buf_bytes(&shown);
	while (!err && *at) {
		size_t run = strcspn(at, "\"");

		err = buf_append(out, at, run);
		if (!err && at[run])
			err = buf_append_str(out, "\\\"");
		at += run + (at[run] != '\0');
	}
	return err ? err : buf_append_str(out, "\"");
}

static int render_argv(struct buf *out, yajl_val event)
{
	yajl_val argv = tree_get(event, "argv");
	int err = buf_append_str(out, " ");

	for (size_t i = 0; i < tree_count(argv) && !err; i++) {
		if (i == 16)
			return buf_printf(out, " … %zu more", tree_count(argv) - i);
		err = buf_append_str(out, " ");
		if (!err)
			err = render_argument(out, event, tree_string(tree_at(argv, i)));
	}
	return err;
}

static int render_address(struct buf *out, yajl_val event, const char *ip, const char *port)
{
	const char *text = tree_text(event, ip);
	bool six = strchr(text, ':');
	int err;

	if (!*text)
		return 0;
	err = buf_append_str(out, six ? "[" : "");
	if (!err)
		err = escape_text(out, text, strlen(text));
	return err ? err : buf_printf(out, "%s:%lld", six ? "]" : "", tree_number(event, port));
}

/* Names and numbers of what is no file, no process of the session and no address */
static int render_act(struct buf *out, yajl_val event)
{
	static const char *const keys[] = { "abstract_name", "fs_type", "module",  "target",
					    "signal",	     "family",	"command", "mode" };
	bool path = *tree_text(event, "path");
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(keys) && !err; i++) {
		if (!tree_get(event, keys[i]))
			continue;
		err = buf_printf(out, "%s%s ", path ? " " : "", keys[i]);
		if (!err)
			err = tree_print(out, event, keys[i]);
		path = true;
	}
	return err;
}

static int render_file_or_act(struct buf *out, yajl_val event)
{
	int err = tree_print(out, event, "path");

	if (!err && tree_get(event, "path2"))
		err = buf_append_str(out, strcmp(tree_text(event, "kind"), "create") == 0 ? " ← "
											  : " → ");
	if (!err)
		err = tree_print(out, event, "path2");
	return err ? err : render_act(out, event);
}

/* What it was done to. */
static int render_object(struct buf *out, yajl_val event)
{
	const char *kind = tree_text(event, "kind");
	int err = 0;

	if (strcmp(kind, "exec") == 0) {
		err = tree_print(out, event, "exe");
		return err ? err : render_argv(out, event);
	}
	if (strcmp(kind, "fork") == 0)
		return buf_printf(out, "→ %lld", tree_number(event, "child_pid"));
	if (strcmp(kind, "exit") == 0) {
		yajl_val how = tree_get(event, "exit");

		return tree_get(how, "signal")
			       ? buf_printf(out, "signal %lld", tree_number(how, "signal"))
			       : buf_printf(out, "code %lld", tree_number(how, "code"));
	}
	if (*tree_text(event, "dst_ip")) {
		err = render_address(out, event, "dst_ip", "dst_port");
	} else if (*tree_text(event, "src_ip")) {
		err = render_address(out, event, "src_ip", "src_port");
	} else {
		return render_file_or_act(out, event);
	}
	if (!err)
		err = buf_append_str(out, " ");
	return err ? err : tree_print(out, event, "proto");
}

static int render_marks(struct buf *out, yajl_val event)
{
	static const char *const marks[] = { "path_cut",  "path_unresolved", "deleted",
					     "anonymous", "io_uring",	     "flags_unknown",
					     "argv_cut",  "asked",	     "late_seen",
					     "late" };
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(marks) && !err; i++)
		if (tree_true(event, marks[i]))
			err = buf_printf(out, "  %s", marks[i]);
	if (!err && tree_number(event, "count") > 1)
		err = buf_printf(out, "  ×%lld", tree_number(event, "count"));
	return err;
}

static int render_label(struct buf *out, yajl_val event)
{
	yajl_val candidates = tree_get(event, "candidates");
	int err = buf_append_str(out, "  ");

	if (!err)
		err = tree_print(out, event, "label");
	for (size_t i = 0; i < tree_count(candidates) && !err; i++) {
		err = buf_append_str(out, i ? "," : " ");
		if (!err)
			err = tree_print_value(out, tree_at(candidates, i));
		if (i == 7 && tree_count(candidates) > 8)
			return buf_printf(out, ", … %zu more", tree_count(candidates) - 8);
	}
	return err;
}

/* "allow base.policy:4", "would-deny: no line allows it" */
static int render_verdict(struct buf *out, yajl_val event)
{
	bool because = *tree_text(event, "because") != '\0';
	const char *line = *tree_text(event, "rule") ? "rule" : "block";
	int err = buf_append_str(out, "  ");

	if (!err)
		err = tree_print(out, event, "verdict");
	if (!err && *tree_text(event, line)) {
		err = buf_append_str(out, " ");
		if (!err)
			err = tree_print(out, event, line);
	}
	if (!err && because) {
		err = buf_append_str(out, ": ");
		if (!err)
			err = tree_print(out, event, "because");
	}
	return err;
}

static int pad_to(struct buf *out, size_t start, size_t width)
{
	size_t used = buf_size(out) - start;

	return used < width ? buf_printf(out, "%*s", (int)(width - used), "") : 0;
}

size_t render_kind_width(yajl_val events, size_t least)
{
	size_t width = least > KIND_WIDTH ? least : KIND_WIDTH;

	for (size_t i = 0; i < tree_count(events); i++) {
		size_t size = strlen(tree_text(tree_at(events, i), "kind"));

		if (size < KIND_WIDTH_MAX && size >= width)
			width = size + 1;
	}
	return width;
}

int render_row(struct buf *out, const struct render_style *style, yajl_val event, size_t kind_width)
{
	bool alert = is_alert(event);
	size_t start;
	int err = buf_append_str(out, alert && style->color ? RED : "");

	start = buf_size(out);
	if (!err)
		err = render_time(out, tree_number(event, "t_ns"));
	if (!err)
		err = pad_to(out, start, 14);
	if (!err)
		err = render_process(out, event);
	start = buf_size(out);
	if (!err)
		err = tree_print(out, event, "kind");
	if (!err)
		err = pad_to(out, start, kind_width);
	if (!err && buf_size(out) - start > kind_width) /* a longer word */
		err = buf_append_str(out, " ");
	start = buf_size(out);
	if (!err)
		err = render_object(out, event);
	if (!err)
		err = pad_to(out, start, 44);
	if (!err && tree_get(event, "risk"))
		err = buf_append_str(out, "  ");
	if (!err)
		err = tree_print(out, event, "risk");
	if (!err)
		err = render_marks(out, event);
	if (!err)
		err = render_label(out, event);
	if (!err)
		err = render_verdict(out, event);
	if (!err && alert && style->color)
		err = buf_append_str(out, PLAIN);
	return err ? err : buf_append_str(out, "\n");
}

int render_rows(struct buf *out, const struct render_style *style, yajl_val events)
{
	size_t width = render_kind_width(events, 0);
	size_t alerts = 0;
	int err = 0;

	for (size_t i = 0; i < tree_count(events) && !err; i++) {
		if (!is_alert(tree_at(events, i)))
			continue;
		if (!alerts++)
			err = buf_append_str(out, "  alerts\n");
		if (!err)
			err = render_row(out, style, tree_at(events, i), width);
	}
	if (!err && alerts)
		err = buf_append_str(out, "  all of it, in order\n");
	for (size_t i = 0; i < tree_count(events) && !err; i++)
		err = render_row(out, style, tree_at(events, i), width);
	return err;
}

int render_late_json(struct buf *out, const char *since, yajl_val event)
{
	yajl_gen gen = yajl_gen_alloc(NULL);
	const unsigned char *bytes;
	size_t size;
	int err;

	if (!gen)
		return -ENOMEM;
	tree_write(gen, event);
	yajl_gen_get_buf(gen, &bytes, &size);
	err = buf_append(out, bytes, size ? size - 1 : 0);
	if (!err)
		err = buf_append_str(out, ",\"since\":\"");
	if (!err)
		err = buf_append_str(out, since);
	if (!err)
		err = buf_append_str(out, "\"}");
	yajl_gen_free(gen);
	return err;
}
