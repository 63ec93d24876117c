/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/recorded.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <yajl/yajl_gen.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "policy/object.h"
#include "policy/proc_self.h"
#include "policy/quote.h"
#include "policy/words.h"
#include "record/tree.h"

#define SOCKET_TYPE 0xf /* of SOCK_… | SOCK_NONBLOCK … */

/* How an event of that kind is read. */
enum reading {
	READ_NOTHING = 0,
	READ_OPEN = 1,
	READ_FILE = 2, /* `path`, and `path2` where there is one, with `verbs` */
	READ_EXE = 3,
	READ_TO = 4, /* dst_ip */
	READ_FROM = 5, /* src_ip */
	READ_UNIX = 6,
	READ_SOCKET = 7,
	READ_ESCAPE = 8,
	READ_KILL = 9,
};

static const struct kind {
	const char *word;
	enum reading reading;
	uint8_t verbs;
	enum mf_pol_escape escape;
	bool makes, removes;
} kinds[] = {
	{ .word = "open", .reading = READ_OPEN },
	{ .word = "open-exec", .reading = READ_FILE, .verbs = MF_POL_BIT(MF_POL_EXEC) },
	{ .word = "exec", .reading = READ_EXE, .verbs = MF_POL_BIT(MF_POL_EXEC) },
	{ .word = "map-exec", .reading = READ_FILE, .verbs = MF_POL_BIT(MF_POL_EXEC) },
	{ .word = "create",
	  .reading = READ_FILE,
	  .verbs = MF_POL_BIT(MF_POL_WRITE),
	  .makes = true },
	{ .word = "delete",
	  .reading = READ_FILE,
	  .verbs = MF_POL_BIT(MF_POL_WRITE),
	  .removes = true },
	{ .word = "rename",
	  .reading = READ_FILE,
	  .verbs = MF_POL_BIT(MF_POL_WRITE),
	  .removes = true },
	{ .word = "attrib", .reading = READ_FILE, .verbs = MF_POL_BIT(MF_POL_WRITE) },
	{ .word = "truncate", .reading = READ_FILE, .verbs = MF_POL_BIT(MF_POL_WRITE) },
	{ .word = "file-receive", .reading = READ_FILE, .verbs = MF_POL_BIT(MF_POL_READ) },
	{ .word = "connect", .reading = READ_TO, .verbs = MF_POL_BIT(MF_POL_CONNECT) },
	{ .word = "send", .reading = READ_TO, .verbs = MF_POL_BIT(MF_POL_CONNECT) },
	{ .word = "tcp-syn", .reading = READ_TO, .verbs = MF_POL_BIT(MF_POL_CONNECT) },
	{ .word = "tcp-open", .reading = READ_TO, .verbs = MF_POL_BIT(MF_POL_CONNECT) },
	{ .word = "bind", .reading = READ_FROM, .verbs = MF_POL_BIT(MF_POL_LISTEN) },
	{ .word = "listen", .reading = READ_FROM, .verbs = MF_POL_BIT(MF_POL_LISTEN) },
	{ .word = "unix-connect", .reading = READ_UNIX, .verbs = MF_POL_BIT(MF_POL_CONNECT) },
	{ .word = "unix-send", .reading = READ_UNIX, .verbs = MF_POL_BIT(MF_POL_CONNECT) },
	{ .word = "socket", .reading = READ_SOCKET },
	{ .word = "mount", .reading = READ_ESCAPE, .escape = MF_POL_MOUNT },
	{ .word = "move-mount", .reading = READ_ESCAPE, .escape = MF_POL_MOUNT },
	{ .word = "pivot-root", .reading = READ_ESCAPE, .escape = MF_POL_MOUNT },
	{ .word = "chroot", .reading = READ_ESCAPE, .escape = MF_POL_CHROOT },
	{ .word = "userns", .reading = READ_ESCAPE, .escape = MF_POL_NAMESPACES },
	{ .word = "ptrace", .reading = READ_ESCAPE, .escape = MF_POL_PTRACE },
	{ .word = "kill", .reading = READ_ESCAPE, .escape = MF_POL_SIGNAL },
	{ .word = "bpf", .reading = READ_ESCAPE, .escape = MF_POL_BPF },
	{ .word = "module", .reading = READ_ESCAPE, .escape = MF_POL_MODULES },
	{ .word = "kernel-read", .reading = READ_ESCAPE, .escape = MF_POL_MODULES },
	{ .word = "perf", .reading = READ_ESCAPE, .escape = MF_POL_PERF },
	{ .word = "io-uring", .reading = READ_ESCAPE, .escape = MF_POL_IO_URING },
};

void recorded_accesses_free(struct recorded_access accesses[RECORDED_ACCESSES_MAX])
{
	for (size_t i = 0; i < RECORDED_ACCESSES_MAX; i++)
		free((char *)accesses[i].access.name);
	memset(accesses, 0, RECORDED_ACCESSES_MAX * sizeof(*accesses));
}

static int hex(char digit)
{
	return digit >= '0' && digit <= '9'   ? digit - '0'
	       : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
					      : -1;
}

int recorded_bytes(struct buf *out, yajl_val object, const char *key)
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

/* The path as a policy names it, where it is in the /proc of the process itself. */
static int name_path(yajl_val event, struct buf *path, char **ret_name, size_t *ret_size)
{
	char own[POLICY_PROC_SELF_MAX];
	const char *name = (const char *)buf_bytes(path);
	size_t size = buf_size(path);
	long long pid = tree_number(event, "pid");

	if (pid > 0 && pid <= INT32_MAX && policy_proc_self(name, size, (uint32_t)pid, own, &size))
		name = own;
	*ret_name = strndup(name, size);
	*ret_size = size;
	return *ret_name ? 0 : -ENOMEM;
}

/* 1: the path of `key` is known, and now the access's. */
static int take_path(yajl_val event, const char *key, struct recorded_access *access)
{
	_cleanup_buf_ struct buf bytes = { 0 }, path = { 0 };
	char *name;
	int r;

	if (tree_true(event, "path_cut") || tree_true(event, "path_unresolved") ||
	    tree_true(event, "anonymous"))
		return 0;
	r = recorded_bytes(&bytes, event, key);
	if (r == 0)
		r = policy_path_normal((const char *)buf_bytes(&bytes), buf_size(&bytes), &path);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	access->access.kind = POLICY_ACCESS_PATH;
	r = name_path(event, &path, &name, &access->access.name_size);
	access->access.name = name;
	return r ? r : 1;
}

static bool has_flag(yajl_val event, const char *flag)
{
	yajl_val flags = tree_get(event, "flags");

	for (size_t i = 0; i < tree_count(flags); i++) {
		if (strcmp(tree_string(tree_at(flags, i)), flag) == 0)
			return true;
	}
	return false;
}

static int read_open(yajl_val event, struct recorded_access *access, enum recorded_gap *ret_gap)
{
	bool writes = has_flag(event, "O_WRONLY") || has_flag(event, "O_RDWR") ||
		      has_flag(event, "O_CREAT") || has_flag(event, "O_TRUNC") ||
		      has_flag(event, "O_TMPFILE") || tree_true(event, "io_uring");
	bool reads = !has_flag(event, "O_WRONLY");

	access->access.verbs = (uint8_t)((writes ? MF_POL_BIT(MF_POL_WRITE) : 0) |
					 (reads ? MF_POL_BIT(MF_POL_READ) : 0));
	access->directory = has_flag(event, "O_DIRECTORY");
	access->made = has_flag(event, "O_CREAT") && has_flag(event, "O_EXCL");
	if (tree_true(event, "flags_unknown"))
		*ret_gap = RECORDED_NO_FLAGS;
	return take_path(event, "path", access);
}

static int read_file(yajl_val event, const struct kind *kind,
		     struct recorded_access accesses[RECORDED_ACCESSES_MAX])
{
	int r = take_path(event, "path", &accesses[0]);

	accesses[0].access.verbs = kind->verbs;
	accesses[0].made = kind->makes;
	accesses[0].gone = kind->removes;
	if (r <= 0 || !*tree_text(event, "path2"))
		return r;
	r = take_path(event, "path2", &accesses[1]);
	accesses[1].access.verbs = kind->verbs;
	return r < 0 ? r : 1 + r;
}

static int read_address(yajl_val event, const char *ip, const char *port, uint8_t verbs,
			struct policy_access *access)
{
	const char *text = tree_text(event, ip);
	long long number = tree_number(event, port);
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	if (!*text || inet_pton(family, text, access->addr) != 1 || number < 0 || number > 65535)
		return 0;
	access->kind = POLICY_ACCESS_ADDRESS;
	access->family = family == AF_INET6 ? 6 : 4;
	access->port = (uint16_t)number;
	access->verbs = verbs;
	return 1;
}

static int read_unix(yajl_val event, uint8_t verbs, struct recorded_access *access)
{
	_cleanup_buf_ struct buf name = { 0 };
	int r;

	access->access.verbs = verbs;
	if (*tree_text(event, "path"))
		return take_path(event, "path", access);
	r = recorded_bytes(&name, event, "abstract_name");
	if (r < 0)
		return r;
	if (!buf_size(&name) || buf_size(&name) > MF_POL_ABSTRACT_MAX)
		return 0;
	access->access.kind = POLICY_ACCESS_ABSTRACT;
	access->access.name_size = buf_size(&name);
	access->access.name = malloc(buf_size(&name) + 1);
	if (!access->access.name)
		return -ENOMEM;
	memcpy((char *)access->access.name, buf_bytes(&name), buf_size(&name));
	return 1;
}

static int read_escape(enum mf_pol_escape escape, struct policy_access *access)
{
	access->kind = POLICY_ACCESS_ESCAPE;
	access->escape = escape;
	return 1;
}

static int read_socket(yajl_val event, struct policy_access *access)
{
	long long family = tree_number(event, "family");
	unsigned type =
		(unsigned)((unsigned long long)tree_number(event, "type_and_protocol") >> 32);
	bool raw = family == AF_PACKET || family == AF_XDP ||
		   ((family == AF_INET || family == AF_INET6) &&
		    ((type & SOCKET_TYPE) == SOCK_RAW || (type & SOCKET_TYPE) == SOCK_DGRAM));

	return read_escape(raw ? MF_POL_RAW_SOCKETS : MF_POL_OTHER_SOCKETS, access);
}

static const struct kind *kind_of(yajl_val event)
{
	const char *word = tree_text(event, "kind");

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].word, word) == 0)
			return &kinds[i];
	}
	return NULL;
}

static int read_event(yajl_val event, const struct kind *kind,
		      struct recorded_access accesses[RECORDED_ACCESSES_MAX],
		      enum recorded_gap *ret_gap)
{
	switch (kind->reading) {
	case READ_OPEN:
		return read_open(event, &accesses[0], ret_gap);
	case READ_FILE:
		return read_file(event, kind, accesses);
	case READ_EXE:
		accesses[0].access.verbs = kind->verbs;
		if (tree_true(event, "anonymous"))
			return read_escape(MF_POL_ANONYMOUS_EXEC, &accesses[0].access);
		return take_path(event, "exe", &accesses[0]);
	case READ_TO:
		return read_address(event, "dst_ip", "dst_port", kind->verbs, &accesses[0].access);
	case READ_FROM:
		return read_address(event, "src_ip", "src_port", kind->verbs, &accesses[0].access);
	case READ_UNIX:
		return read_unix(event, kind->verbs, &accesses[0]);
	case READ_SOCKET:
		return read_socket(event, &accesses[0].access);
	case READ_ESCAPE:
		return read_escape(kind->escape, &accesses[0].access);
	default:
		return 0;
	}
}

int recorded_accesses(yajl_val event, struct recorded_access ret_accesses[RECORDED_ACCESSES_MAX],
		      enum recorded_gap *ret_gap)
{
	struct recorded_access accesses[RECORDED_ACCESSES_MAX] = { 0 };
	const struct kind *kind = kind_of(event);
	int r;

	*ret_gap = RECORDED_WHOLE;
	if (!kind)
		return 0;
	r = read_event(event, kind, accesses, ret_gap);
	if (r <= 0)
		recorded_accesses_free(accesses);
	if (r == 0)
		*ret_gap = RECORDED_NO_PATH;
	memcpy(ret_accesses, accesses, sizeof(accesses));
	return r;
}

int recorded_access_print(struct buf *out, const struct policy_access *access)
{
	struct policy_address address = { .family = access->family };
	int verb = 0, r;

	if (access->kind == POLICY_ACCESS_ESCAPE)
		return buf_append_str(out, policy_escapes[access->escape].word);
	/* write says read as well */
	while (verb + 1 < MF_POL_VERB_MAX &&
	       (!(access->verbs >> verb & 1) ||
		(verb == MF_POL_READ && (access->verbs & MF_POL_BIT(MF_POL_WRITE)))))
		verb++;
	r = buf_printf(out, "%s ", policy_verbs[verb].word);
	if (r)
		return r;
	if (access->kind == POLICY_ACCESS_ADDRESS) {
		memcpy(address.addr, access->addr, sizeof(address.addr));
		r = policy_address_print(out, &address);
		return r ? r : buf_printf(out, ":%u", access->port);
	}
	if (access->kind == POLICY_ACCESS_ABSTRACT)
		r = buf_append_str(out, "unix:@");
	else if (verb == MF_POL_CONNECT || verb == MF_POL_LISTEN)
		r = buf_append_str(out, "unix:");
	return r ? r : policy_quote(out, access->name, access->name_size);
}

int recorded_json(struct buf *out, yajl_val value)
{
	yajl_gen gen = yajl_gen_alloc(NULL);
	const unsigned char *bytes;
	size_t size;
	int r = -ENOMEM;

	if (!gen)
		return r;
	tree_write(gen, value);
	if (yajl_gen_get_buf(gen, &bytes, &size) == yajl_gen_status_ok)
		r = buf_append(out, bytes, size);
	yajl_gen_free(gen);
	return r;
}
