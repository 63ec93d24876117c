/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <string.h>
#include <sys/stat.h>

#include "record/json.h"
#include "record/risk.h"

#define HOSTS_MAX 256
#define NAMED_MAX 3 /* objects that one contradiction names */

/* distinct values by their hash; 64 bits are enough to count with */
struct distinct {
	uint64_t *hash;
	size_t count;
};

static void free_distinct(struct distinct *set)
{
	free(set->hash);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static size_t count_distinct(struct distinct *set)
{
	size_t count = 0;

	if (!set->count)
		return 0;
	qsort(set->hash, set->count, sizeof(*set->hash), by_value);
	for (size_t i = 0; i < set->count; i++)
		count += !i || set->hash[i] != set->hash[i - 1];
	return count;
}

/* distinct addresses with their ports */
struct hosts {
	const struct mf_ev_net *net[HOSTS_MAX];
	size_t count;
	bool more;
};

struct summary {
	uint64_t subprocesses, alerts, blocks;
	struct distinct read, written, violations;
	struct hosts hosts, listens;
	uint32_t path_flags;
};

static bool file_is_data(const struct mf_ev_file *file)
{
	return !file->mode || S_ISREG(file->mode);
}

static void sum_file(struct summary *sum, const struct row *row, const char *texts)
{
	const struct mf_ev_file *file = row->body;
	uint64_t hash = hash_bytes(texts, file->path_len, 0);

	sum->path_flags |= file->path_flags;
	if (row->kind != MF_EV_OPEN || !file_is_data(file))
		return;
	if (open_writes(file))
		sum->written.hash[sum->written.count++] = hash;
	else
		sum->read.hash[sum->read.count++] = hash;
}

static bool same_host(const struct mf_ev_net *a, const struct mf_ev_net *b)
{
	return a->family == b->family && a->port == b->port &&
	       !memcmp(a->addr, b->addr, a->family == 6 ? 16 : 4);
}

static void sum_host(struct hosts *hosts, const struct mf_ev_net *net)
{
	for (size_t i = 0; i < hosts->count; i++)
		if (same_host(hosts->net[i], net))
			return;
	if (hosts->count == HOSTS_MAX)
		hosts->more = true;
	else
		hosts->net[hosts->count++] = net;
}

static bool is_outgoing(unsigned kind)
{
	return kind == MF_EV_CONNECT || kind == MF_EV_SEND || kind == MF_EV_SEND_ON ||
	       kind == MF_EV_TCP_SYN || kind == MF_EV_TCP_OPEN || kind == MF_EV_TCP_FAIL;
}

static enum risk risk_of_row(const struct row *row, const char *texts,
			     const struct workplace *place)
{
	const struct verdict *verdict = &row->verdict;
	enum risk risk =
		risk_of(row->kind, row->body, texts, verdict->verdict == MF_ALLOW ? NULL : place);

	return verdict->verdict <= MF_WOULD_DENY ? RISK_ALERT : risk;
}

/* A connection to no address is one to this machine, and the kernel tells both. */
static uint64_t hash_address(const struct mf_ev_net *net, bool connects, uint64_t seed)
{
	static const uint8_t none[16], mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool is_mapped = net->family == 6 && !memcmp(net->addr, mapped, sizeof(mapped));
	unsigned family = net->family == 6 && !is_mapped ? 6 : 4;
	size_t size = family == 6 ? 16 : 4;
	uint8_t addr[16] = { 0 };

	memcpy(addr, net->addr + (is_mapped ? sizeof(mapped) : 0), size);
	if (connects && !memcmp(addr, none, size)) {
		addr[0] = family == 6 ? 0 : 127;
		addr[size - 1] = 1;
	}
	return hash_bytes(addr, size, seed | (uint64_t)net->port << 16 | (uint64_t)family << 32);
}

/* Of what a verdict is about: the same verb on the same object is one violation. */
static uint64_t hash_object(const struct row *row, const char *texts, size_t first, size_t second)
{
	uint64_t seed = row->verdict.verb | (uint64_t)row->verdict.reason << 8;
	uint64_t names = hash_bytes(texts, first, seed);

	switch (event_kind(row->kind)->body) {
	case BODY_NET:
	case BODY_SEND_ON:
		return hash_address(row->body, is_outgoing(row->kind), seed);
	case BODY_CHANGE:
		return second ? hash_bytes(texts + first, second, names) : names;
	case BODY_ACT:
		/* what has no object is told apart by what it is */
		return first || second ? hash_bytes(texts + first, second, names)
				       : hash_bytes(&row->kind, sizeof(row->kind), seed);
	default:
		return names;
	}
}

static void sum_row(struct summary *sum, const struct workplace *place, struct row *row)
{
	size_t first, second;
	const char *texts = row_text(row, &first, &second);
	const struct mf_ev_change *change = row->body;

	/* kept for the row itself, which is written next */
	row->risk = (uint8_t)risk_of_row(row, texts, place);
	if (row->verdict.verdict <= MF_WOULD_DENY)
		sum->violations.hash[sum->violations.count++] =
			hash_object(row, texts, first, second);
	if (row->verdict.verdict == MF_DENY)
		sum->blocks += row->count;
	if (row->risk == RISK_ALERT)
		sum->alerts += row->count;
	switch (event_kind(row->kind)->body) {
	case BODY_EXEC:
		sum->subprocesses += row->verdict.verdict == MF_ALLOW ? 0 : row->count;
		sum->path_flags |= ((const struct mf_ev_exec *)row->body)->path_flags;
		break;
	case BODY_FILE:
		sum_file(sum, row, texts);
		break;
	case BODY_CHANGE:
		sum->path_flags |= change->path_flags | change->path2_flags;
		if (row->kind != MF_EV_MOUNT_GAP)
			sum->written.hash[sum->written.count++] = hash_bytes(texts, first, 0);
		break;
	case BODY_NET:
	case BODY_SEND_ON:
		if (is_outgoing(row->kind))
			sum_host(&sum->hosts, row->body);
		else if (row->kind == MF_EV_LISTEN)
			sum_host(&sum->listens, row->body);
		break;
	case BODY_ACT:
		sum->path_flags |= ((const struct mf_ev_act *)row->body)->path_flags;
		break;
	case BODY_FORK:
	case BODY_EXIT:
		break;
	}
}

static void write_host(struct jsonout *json, const struct mf_ev_net *net)
{
	char address[INET6_ADDRSTRLEN] = "?";
	char text[INET6_ADDRSTRLEN + 10];

	inet_ntop(net->family == 6 ? AF_INET6 : AF_INET, net->addr, address, sizeof(address));
	snprintf(text, sizeof(text), net->family == 6 ? "[%s]:%u" : "%s:%u", address, net->port);
	json_str(json, text);
}

static void write_hosts(struct jsonout *json, const char *key, const struct hosts *hosts)
{
	json_key(json, key);
	json_open(json, '[');
	for (size_t i = 0; i < hosts->count; i++)
		write_host(json, hosts->net[i]);
	json_close(json, ']');
}

static struct workplace workplace_of(const struct session *session)
{
	const struct process *root = process_find(&session->processes, session->info.root_start_ns,
						  session->info.root_pid);
	struct workplace place = { .cwd = session->info.cwd, .argv = "" };

	if (root && root->image) {
		place.argv = root->image->text + root->image->exe_size;
		place.argv_size = root->image->argv_size;
	}
	return place;
}

void json_summary(struct jsonout *json, const struct session *session, const struct rows *rows,
		  uint32_t *incomplete)
{
	struct workplace place = workplace_of(session);
	struct summary sum = { 0 };
	_cleanup_(free_distinct) struct distinct read = { calloc(rows->count + 1, 8), 0 };
	_cleanup_(free_distinct) struct distinct written = { calloc(rows->count + 1, 8), 0 };
	_cleanup_(free_distinct) struct distinct violations = { calloc(rows->count + 1, 8), 0 };

	if (!read.hash || !written.hash || !violations.hash) {
		json->error = -ENOMEM;
		return;
	}
	sum.read = read;
	sum.written = written;
	sum.violations = violations;
	for (uint32_t i = 0; i < rows->count; i++)
		sum_row(&sum, &place, &rows->row[i]);
	json_key(json, "summary");
	json_open(json, '{');
	json_kv_u64(json, "policy_violations", count_distinct(&sum.violations));
	json_kv_u64(json, "lsm_blocks", sum.blocks);
	json_kv_u64(json, "unexpected_subprocesses", sum.subprocesses);
	json_kv_u64(json, "alerts", sum.alerts);
	json_kv_u64(json, "files_read", count_distinct(&sum.read));
	json_kv_u64(json, "files_written", count_distinct(&sum.written));
	write_hosts(json, "hosts", &sum.hosts);
	if (sum.hosts.more)
		json_kv_bool(json, "hosts_more", true);
	if (sum.listens.count)
		write_hosts(json, "listens", &sum.listens);
	if (sum.listens.more)
		json_kv_bool(json, "listens_more", true);
	json_kv_u64(json, "events", rows->events);
	json_close(json, '}');
	if (sum.path_flags & (MF_PATH_CUT | MF_PATH_UNRESOLVED))
		*incomplete |= INC_PATH;
	if (rows->capped)
		*incomplete |= INC_ROWS_CAPPED;
	if (rows->processes_capped)
		*incomplete |= INC_PROCESSES_CAPPED;
}

/* Claims: what the tool's definition says, against what happened. */

enum { HINT_ABSENT = 0, HINT_FALSE = 1, HINT_TRUE = 2 };

static bool row_changes(const struct row *row, const char *texts, size_t size)
{
	const struct mf_ev_file *file = row->body;

	if (path_is_side_file(texts, size))
		return false;
	switch (row->kind) {
	case MF_EV_OPEN:
		return open_writes(file) && file_is_data(file);
	case MF_EV_CREATE:
	case MF_EV_DELETE:
	case MF_EV_RENAME:
	case MF_EV_ATTRIB:
	case MF_EV_TRUNCATE:
		return true;
	default:
		return false;
	}
}

static bool row_destroys(const struct row *row, const char *texts, size_t size)
{
	return !path_is_side_file(texts, size) &&
	       (row->kind == MF_EV_DELETE || row->kind == MF_EV_RENAME ||
		row->kind == MF_EV_TRUNCATE);
}

static bool row_leaves(const struct row *row, const char *texts, size_t size)
{
	static const uint8_t loopback[16] = { [15] = 1 };
	const struct mf_ev_net *net = row->body;

	if (row->kind != MF_EV_CONNECT && row->kind != MF_EV_SEND && row->kind != MF_EV_SEND_ON &&
	    row->kind != MF_EV_TCP_SYN)
		return false;
	return net->family == 6 ? memcmp(net->addr, loopback, sizeof(loopback)) != 0
				: net->addr[0] != 127;
}

static const struct claim {
	size_t hint; /* offset in struct mf_j_tool */
	uint8_t value;
	const char *text;
	bool (*against)(const struct row *row, const char *texts, size_t size);
} claims[] = {
	{ offsetof(struct mf_j_tool, read_only), HINT_TRUE, "readOnlyHint is true, but",
	  row_changes },
	{ offsetof(struct mf_j_tool, destructive), HINT_FALSE, "destructiveHint is false, but",
	  row_destroys },
	{ offsetof(struct mf_j_tool, open_world), HINT_FALSE, "openWorldHint is false, but",
	  row_leaves },
};

static int write_object(struct buf *out, const struct row *row, const char *texts, size_t size)
{
	const struct mf_ev_net *net = row->body;
	char address[INET6_ADDRSTRLEN] = "?";

	if (event_kind(row->kind)->body != BODY_NET && event_kind(row->kind)->body != BODY_SEND_ON)
		return buf_append(out, texts, size);
	inet_ntop(net->family == 6 ? AF_INET6 : AF_INET, net->addr, address, sizeof(address));
	return buf_printf(out, "%s port %u", address, net->port);
}

/* "readOnlyHint is true, but create /x, delete /y and 3 more"; `maybe` where the event may belong
 * to another request. */
static void write_contradiction(struct jsonout *json, const struct claim *claim,
				const struct rows *rows, bool maybe)
{
	_cleanup_buf_ struct buf text = { 0 };
	size_t found = 0;
	int err = buf_append_str(&text, claim->text);

	for (uint32_t i = 0; i < rows->count && !err; i++) {
		const struct row *row = &rows->row[i];
		size_t first, second;
		const char *texts = row_text(row, &first, &second);

		if ((row->label->label.kind == LABEL_CANDIDATES) != maybe ||
		    !claim->against(row, texts, first))
			continue;
		if (found++ >= NAMED_MAX)
			continue;
		err = buf_printf(
			&text, "%s %s%s%s ", found > 1 ? "," : "", maybe ? "possibly " : "",
			row->flags & MF_EVF_ASKED ? "asked for " : "", event_kind(row->kind)->name);
		if (!err)
			err = write_object(&text, row, texts, first);
	}
	if (!err && found > NAMED_MAX)
		err = buf_printf(&text, " and %zu more", found - NAMED_MAX);
	if (err)
		json->error = err;
	else if (found)
		json_text(json, buf_bytes(&text), buf_size(&text));
}

static void write_hints(struct jsonout *json, const struct mf_j_tool *tool)
{
	const struct {
		const char *name;
		uint8_t value;
	} hints[] = { { "readOnlyHint", tool->read_only },
		      { "destructiveHint", tool->destructive },
		      { "idempotentHint", tool->idempotent },
		      { "openWorldHint", tool->open_world } };

	json_key(json, "hints");
	json_open(json, '{');
	for (size_t i = 0; i < ARRAY_LEN(hints); i++)
		if (hints[i].value != HINT_ABSENT)
			json_kv_bool(json, hints[i].name, hints[i].value == HINT_TRUE);
	json_close(json, '}');
}

void json_claims(struct jsonout *json, const struct session *session, const struct request *request)
{
	const struct mf_j_tool *tool = &request->tool;

	if (!request->tool_known)
		return;
	json_key(json, "claims");
	json_open(json, '{');
	write_hints(json, tool);
	json_key(json, "tool_sha256");
	json_hex(json, tool->sha256, sizeof(tool->sha256));
	if (request->tool_changes)
		json_kv_u64(json, "definition_changes", request->tool_changes);
	json_key(json, "contradictions");
	json_open(json, '[');
	for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
		if (((const uint8_t *)tool)[claims[i].hint] != claims[i].value)
			continue;
		write_contradiction(json, &claims[i], &request->rows, false);
		write_contradiction(json, &claims[i], &request->rows, true);
	}
	json_close(json, ']');
	json_say_escaped(json);
	json_close(json, '}');
}
