/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/row_read.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "record/row_words.h"
#include "record/tree.h"

void row_event_free(struct row_event *event)
{
	buf_free(&event->text[0]);
	buf_free(&event->text[1]);
}

static int hex(char digit)
{
	return digit >= '0' && digit <= '9'   ? digit - '0'
	       : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
					      : -1;
}

int row_bytes(struct buf *out, yajl_val object, const char *key)
{
	const char *text = tree_text(object, key);
	int r = 0;

	if (!tree_true(object, "escaped"))
		return buf_append_str(out, text);
	while (r == 0 && *text) {
		char byte = *text;
		size_t length = 1;

		if (byte == '\\' && text[1] == '\\') {
			length = 2;
		} else if (byte == '\\' && text[1] == 'x' && hex(text[2]) >= 0 &&
			   hex(text[3]) >= 0) {
			byte = (char)(hex(text[2]) * 16 + hex(text[3]));
			length = 4;
		}
		r = buf_append(out, &byte, 1);
		text += length;
	}
	return r;
}

static uint16_t read_path_flags(yajl_val row, const char *of)
{
	uint16_t flags = 0;
	char name[48];

	for (size_t i = 0; i < ROW_PATH_FLAGS; i++) {
		snprintf(name, sizeof(name), "%s%s", of, row_path_flags[i].name);
		if (tree_true(row, name))
			flags |= (uint16_t)row_path_flags[i].bit;
	}
	return flags;
}

/* The length of a text; one that no event can have is no text at all. */
static uint16_t length_of(const struct buf *text)
{
	return buf_size(text) <= UINT16_MAX ? (uint16_t)buf_size(text) : 0;
}

static int read_exec(yajl_val row, struct row_event *event)
{
	int r = row_bytes(&event->text[0], row, "exe");

	event->body.exec.path_flags = read_path_flags(row, "");
	event->body.exec.exe_len = length_of(&event->text[0]);
	return r;
}

static int read_file(yajl_val row, struct row_event *event)
{
	struct mf_ev_file *file = &event->body.file;
	yajl_val flags = tree_get(row, "flags");
	int r = row_bytes(&event->text[0], row, "path");

	file->path_flags = read_path_flags(row, "");
	file->path_len = length_of(&event->text[0]);
	file->open_flags = row_read_open_flags(flags);
	file->how = (flags ? MF_OPEN_FLAGS_KNOWN : 0) |
		    (tree_true(row, "io_uring") ? MF_OPEN_IOURING : 0);
	return r;
}

static int read_change(yajl_val row, struct row_event *event)
{
	struct mf_ev_change *change = &event->body.change;
	int r = row_bytes(&event->text[0], row, "path");

	if (r == 0)
		r = row_bytes(&event->text[1], row, "path2");
	change->path_flags = read_path_flags(row, "");
	change->path2_flags = read_path_flags(row, "path2_");
	change->path_len = length_of(&event->text[0]);
	change->path2_len = length_of(&event->text[1]);
	return r;
}

static int read_net(yajl_val row, struct row_event *event)
{
	bool local = event->head.kind == MF_EV_BIND || event->head.kind == MF_EV_LISTEN ||
		     event->head.kind == MF_EV_ACCEPT;
	const char *ip = tree_text(row, local ? "src_ip" : "dst_ip");
	long long port = tree_number(row, local ? "src_port" : "dst_port");
	struct mf_ev_net *net = &event->body.net;

	net->family = strchr(ip, ':') ? 6 : 4;
	net->port = port >= 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
	if (inet_pton(net->family == 6 ? AF_INET6 : AF_INET, ip, net->addr) != 1)
		return -EBADMSG;
	return 0;
}

static uint64_t read_u64(yajl_val row, const char *key)
{
	yajl_val value = key ? tree_get(row, key) : NULL;

	return YAJL_IS_NUMBER(value) ? strtoull(YAJL_GET_NUMBER(value), NULL, 10) : 0;
}

static int read_act(yajl_val row, struct row_event *event)
{
	const struct row_act_keys *keys = &row_act_keys[event->head.kind];
	struct mf_ev_act *act = &event->body.act;
	int r = row_bytes(&event->text[0], row, "path");

	if (r == 0 && keys->name)
		r = row_bytes(&event->text[1], row, keys->name);
	act->path_flags = read_path_flags(row, "");
	act->path_len = length_of(&event->text[0]);
	act->name_len = length_of(&event->text[1]);
	act->number = (uint32_t)read_u64(row, keys->number);
	act->value = read_u64(row, keys->value);
	return r;
}

static int (*const readers[])(yajl_val row, struct row_event *event) = {
	[BODY_EXEC] = read_exec, [BODY_FILE] = read_file, [BODY_CHANGE] = read_change,
	[BODY_NET] = read_net,	 [BODY_ACT] = read_act,	  [BODY_SEND_ON] = read_net,
	[BODY_FORK] = NULL,	 [BODY_EXIT] = NULL,
};

static unsigned kind_named(const char *word)
{
	for (unsigned kind = 1; kind < MF_EV_KIND_MAX; kind++) {
		if (strcmp(event_kind(kind)->name, word) == 0)
			return kind;
	}
	return 0;
}

int row_read(yajl_val row, struct row_event *ret_event)
{
	struct row_event *event = ret_event;
	unsigned kind = kind_named(tree_text(row, "kind"));
	int r = 0;

	*event = (struct row_event){ .head.kind = (uint16_t)kind };
	if (!kind)
		return 0;
	event->head.pid = (uint32_t)read_u64(row, "pid");
	if (tree_true(row, "process_unknown") || !event->head.pid)
		event->head.flags = MF_EVF_PROC_UNKNOWN;
	if (readers[event_kind(kind)->body])
		r = readers[event_kind(kind)->body](row, event);
	if (r < 0) {
		row_event_free(event);
		return r == -EBADMSG ? 0 : r;
	}
	event->view = (struct event_view){ .head = &event->head, .body = &event->body };
	for (int i = 0; i < 2; i++) {
		bool fits = buf_size(&event->text[i]) <= UINT16_MAX;

		event->view.text_size[i] = fits ? buf_size(&event->text[i]) : 0;
		event->view.text[i] =
			event->view.text_size[i] ? (const char *)buf_bytes(&event->text[i]) : "";
	}
	return 1;
}
