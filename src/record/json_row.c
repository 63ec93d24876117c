/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <string.h>

#include "base/escape.h"
#include "record/json.h"
#include "record/mask.h"
#include "record/risk.h"
#include "record/row_words.h"

static void write_path_flags(struct jsonout *json, const char *of, uint32_t flags)
{
	char name[48];

	for (size_t i = 0; i < ROW_PATH_FLAGS; i++) {
		snprintf(name, sizeof(name), "%s%s", of, row_path_flags[i].name);
		if (flags & row_path_flags[i].bit)
			json_kv_bool(json, name, true);
	}
}

/* json_summary() looked at it, before the rows are written. */
static void write_risk(struct jsonout *json, const struct row *row)
{
	const char *risk = risk_name(row->risk);

	if (risk)
		json_kv_str(json, "risk", risk);
}

static void write_file(struct jsonout *json, const struct row *row, const char *texts)
{
	const struct mf_ev_file *file = row->body;

	json_kv_text(json, "path", texts, file->path_len);
	write_path_flags(json, "", file->path_flags);
	if (file->how & MF_OPEN_FLAGS_KNOWN)
		row_write_open_flags(json, file->open_flags);
	else if (row->kind == MF_EV_OPEN)
		json_kv_bool(json, "flags_unknown", true);
	if (file->how & MF_OPEN_IOURING)
		json_kv_bool(json, "io_uring", true);
	write_risk(json, row);
}

static void write_change(struct jsonout *json, const struct row *row, const char *texts)
{
	const struct mf_ev_change *change = row->body;

	json_kv_text(json, "path", texts, change->path_len);
	if (change->path2_len)
		json_kv_text(json, "path2", texts + change->path_len, change->path2_len);
	write_path_flags(json, "", change->path_flags);
	write_path_flags(json, "path2_", change->path2_flags);
	write_risk(json, row);
}

static void write_address(struct jsonout *json, const char *const keys[2], unsigned family,
			  const uint8_t *addr, uint16_t port)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];

	if (family == 6 && !memcmp(addr, mapped, sizeof(mapped))) {
		family = 4;
		addr += sizeof(mapped);
	}
	if (!inet_ntop(family == 6 ? AF_INET6 : AF_INET, addr, text, sizeof(text)))
		return;
	json_kv_str(json, keys[0], text);
	json_kv_u64(json, keys[1], port);
}

static const char *proto_name(const struct mf_ev_net *net)
{
	switch (net->proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	case IPPROTO_SCTP:
		return "sctp";
	case 262:
		return "mptcp";
	default:
		return NULL;
	}
}

static void write_net(struct jsonout *json, const struct row *row)
{
	static const char *const dst[2] = { "dst_ip", "dst_port" };
	static const char *const src[2] = { "src_ip", "src_port" };
	static const uint8_t none[16];
	const struct mf_ev_net *net = row->body;
	bool local = row->kind == MF_EV_BIND || row->kind == MF_EV_LISTEN ||
		     row->kind == MF_EV_ACCEPT;
	const char *proto = proto_name(net);

	write_address(json, local ? src : dst, net->family, net->addr, net->port);
	if (!local && (net->local_port || memcmp(net->local, none, sizeof(none))))
		write_address(json, src, net->family, net->local, net->local_port);
	if (proto)
		json_kv_str(json, "proto", proto);
	else
		json_kv_u64(json, "proto", net->proto);
	write_risk(json, row);
}

/* argv as an array, masked; `mask_next` carries `--token` over to its value. */
void json_argv(struct jsonout *json, const char *argv, size_t size)
{
	_cleanup_buf_ struct buf masked = { 0 };
	bool mask_next = false;
	bool changed;
	size_t at = 0;

	json_key(json, "argv");
	json_open(json, '[');
	while (at < size) {
		size_t length = strnlen(argv + at, size - at);
		bool option = length > 1 && argv[at] == '-' && !memchr(argv + at, '=', length);

		buf_reset(&masked, 4096);
		if (mask_next && !(length > 1 && !memcmp(argv + at, "--", 2)))
			json_str(json, MASKED);
		else if (mask_text(&masked, argv + at, length, &changed) < 0)
			json->error = -ENOMEM;
		else
			json_text(json, buf_bytes(&masked), buf_size(&masked));
		mask_next = option && mask_key(argv + at, length);
		at += length + 1;
	}
	json_close(json, ']');
}

static void write_exec(struct jsonout *json, const struct row *row, const char *texts)
{
	const struct mf_ev_exec *exec = row->body;

	json_kv_text(json, "exe", texts, exec->exe_len);
	write_path_flags(json, "", exec->path_flags);
	json_argv(json, texts + exec->exe_len, exec->argv_len);
	if (exec->argv_total > exec->argv_len) {
		json_kv_bool(json, "argv_cut", true);
		json_kv_u64(json, "argv_bytes", exec->argv_total);
	}
	write_risk(json, row);
}

void json_process_id(struct jsonout *json, const char *key, uint32_t pid, uint64_t start_ns)
{
	json_key(json, key);
	json_pair(json, pid, '@', start_ns);
}

static void write_exit(struct jsonout *json, uint32_t status)
{
	json_key(json, "exit");
	json_open(json, '{');
	if (status & 0x7f) {
		json_kv_u64(json, "signal", status & 0x7f);
		if (status & 0x80)
			json_kv_bool(json, "core", true);
	} else {
		json_kv_u64(json, "code", (status >> 8) & 0xff);
	}
	json_close(json, '}');
}

static void write_fork(struct jsonout *json, const struct mf_ev_fork *fork)
{
	json_process_id(json, "child", fork->child_pid, fork->child_start_ns);
	json_kv_u64(json, "child_pid", fork->child_pid);
}

void json_uid(struct jsonout *json, const struct session *session, uint64_t ordinal)
{
	char uid[48];

	json_raw(json, uid,
		 (size_t)snprintf(uid, sizeof(uid), "\"%s-%llu\"", session->id,
				  (unsigned long long)ordinal));
}

/* Which of them were in flight when it happened, where those are not all: the others had ended. */
static void write_live(struct jsonout *json, const struct row_place *place,
		       const struct label *label)
{
	json_key(json, "in_flight");
	json_open(json, '[');
	for (uint32_t i = 0; i < label->live; i++)
		json_uid(json, place->session, label->names[i]);
	json_close(json, ']');
	if (label->live_more)
		json_kv_bool(json, "in_flight_more", true);
}

static void write_label(struct jsonout *json, const struct row_place *place, const struct row *row)
{
	const struct label *label = &row->label->label;

	json_kv_str(json, "label", label_name(label->kind));
	if (label->kind == LABEL_CANDIDATES) {
		json_key(json, "candidates");
		json_open(json, '[');
		for (uint32_t i = 0; i < label->count; i++)
			json_uid(json, place->session, label->names[i]);
		json_close(json, ']');
		if (label->more)
			json_kv_u64(json, "candidates_more", label->more);
		if (label->live < label->count || label->live_more)
			write_live(json, place, label);
	} else if (place->named && label->count) {
		json_key(json, "request");
		json_uid(json, place->session, label->names[0]);
	}
	if (label->unknown)
		json_kv_bool(json, "in_flight_unknown", true);
	if (row->late)
		json_kv_bool(json, "late", true);
}

static void write_act(struct jsonout *json, const struct row *row, const char *texts)
{
	const struct row_act_keys *keys = &row_act_keys[row->kind];
	const struct mf_ev_act *act = row->body;

	if (act->path_len || act->path_flags)
		json_kv_text(json, "path", texts, act->path_len);
	write_path_flags(json, "", act->path_flags);
	if (keys->name && act->name_len)
		json_kv_text(json, keys->name, texts + act->path_len, act->name_len);
	if (keys->number)
		json_kv_u64(json, keys->number, act->number);
	if (keys->value)
		json_kv_u64(json, keys->value, act->value);
	if (act->target_pid)
		json_process_id(json, "target", act->target_pid, act->target_start_ns);
	write_risk(json, row);
}

/* A NUL would end the text for who reads it; between arguments it is no part of them. */
static bool is_text(const char *text, size_t size, bool arguments)
{
	return utf8_valid(text, size) && (arguments || !memchr(text, '\0', size));
}

/* Where one string of a row is no text, all its strings are escaped by the same rule. */
static bool row_is_text(const struct row *row, const char *texts, size_t first, size_t second)
{
	return is_text(texts, first, false) &&
	       is_text(texts + first, second, row->kind == MF_EV_EXEC) &&
	       utf8_valid(row->comm, strnlen(row->comm, MF_COMM_LEN));
}

static void write_body(struct jsonout *json, const struct row_place *place, const struct row *row,
		       const char *texts)
{
	switch (event_kind(row->kind)->body) {
	case BODY_FORK:
		write_fork(json, row->body);
		break;
	case BODY_EXEC:
		write_exec(json, row, texts);
		break;
	case BODY_EXIT:
		write_exit(json, ((const struct mf_ev_exit *)row->body)->code);
		break;
	case BODY_FILE:
		write_file(json, row, texts);
		break;
	case BODY_CHANGE:
		write_change(json, row, texts);
		break;
	case BODY_NET:
		write_net(json, row);
		break;
	case BODY_SEND_ON:
		write_net(json, row);
		json_opened(json, place, row->body);
		break;
	case BODY_ACT:
		write_act(json, row, texts);
		break;
	}
}

void json_row(struct jsonout *json, const struct row_place *place, const struct row *row)
{
	size_t first, second;
	const char *texts = row_text(row, &first, &second);

	json->bytes = !row_is_text(row, texts, first, second);
	json->escaped = false;
	json_open(json, '{');
	json_key(json, "t_ns");
	json_i64(json, (int64_t)(row->t_ns - place->base_ns));
	json_kv_str(json, "kind", event_kind(row->kind)->name);
	if (!(row->flags & MF_EVF_PROC_UNKNOWN)) {
		json_process_id(json, "process", row->pid, row->start_ns);
		json_kv_u64(json, "pid", row->pid);
		json_kv_u64(json, "tid", row->tid);
	} else {
		json_kv_bool(json, "process_unknown", true);
	}
	json_kv_text(json, "comm", row->comm, strnlen(row->comm, MF_COMM_LEN));
	write_label(json, place, row);
	json_verdict(json, place->policy, row);
	write_body(json, place, row, texts);
	if (row->flags & MF_EVF_ASKED)
		json_kv_bool(json, "asked", true);
	if (row->flags & MF_EVF_LATE_SEEN)
		json_kv_bool(json, "late_seen", true);
	if (row->flags & MF_EVF_KTHREAD)
		json_kv_bool(json, "kernel_thread", true);
	if (row->count > 1) {
		json_kv_u64(json, "count", row->count);
		json_key(json, "last_ns");
		json_i64(json, (int64_t)(row->last_ns - place->base_ns));
	}
	if (json->escaped)
		json_kv_bool(json, "escaped", true);
	json_close(json, '}');
	json->bytes = false;
	json->escaped = false;
}

static void write_born(struct jsonout *json, const struct session *session,
		       const struct process *process)
{
	const struct birth *birth = process->birth;

	if (process->inside && !birth)
		return; /* not known: absent */
	json_key(json, "born");
	if (!birth || !birth->count) {
		json_null(json);
		return;
	}
	if (birth->count == 1 && !birth->more) {
		json_uid(json, session, birth->names[0]);
		return;
	}
	json_open(json, '[');
	for (uint32_t i = 0; i < birth->count; i++)
		json_uid(json, session, birth->names[i]);
	json_close(json, ']');
	if (birth->more)
		json_kv_u64(json, "born_more", birth->more);
}

void json_process(struct jsonout *json, const struct session *session,
		  const struct process *process)
{
	const struct image *image = process->image;

	json->bytes = image && !utf8_valid(image->text, image->exe_size + image->argv_size);
	json->escaped = false;
	json_open(json, '{');
	json_process_id(json, "id", process->pid, process->start_ns);
	json_kv_u64(json, "pid", process->pid);
	if (process->ppid)
		json_kv_u64(json, "ppid", process->ppid);
	if (image) {
		json_kv_text(json, "exe", image->text, image->exe_size);
		write_path_flags(json, "", image->path_flags);
		json_argv(json, image->text + image->exe_size, image->argv_size);
		if (image->argv_total > image->argv_size)
			json_kv_bool(json, "argv_cut", true);
	}
	write_born(json, session, process);
	if (process->exited)
		write_exit(json, process->exit_code);
	if (json->escaped)
		json_kv_bool(json, "escaped", true);
	json_close(json, '}');
	json->bytes = false;
	json->escaped = false;
}
