/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/recover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <yajl/yajl_tree.h>

#include "base/clock.h"
#include "record/jsonout.h"
#include "record/reader.h"
#include "record/resync.h"

struct orphan {
	struct orphan *next;
	struct entry_facts facts;
};

struct scan {
	struct log_writer *log; /* what is missing is said here */
	const char *name;
	int fd;
	uint64_t size;
	uint64_t good; /* bytes that are whole entries */
	uint64_t seq, last_ns;
	struct orphan *orphans;
};

static void free_scan(struct scan *scan)
{
	while (scan->orphans) {
		struct orphan *orphan = scan->orphans;

		scan->orphans = orphan->next;
		free(orphan);
	}
}

static void free_tree(yajl_val *tree)
{
	yajl_tree_free(*tree);
}

static int add_orphan(struct scan *scan, const struct entry_facts *facts)
{
	struct orphan *orphan = calloc(1, sizeof(*orphan));

	if (!orphan)
		return -ENOMEM;
	orphan->facts = *facts;
	orphan->next = scan->orphans;
	scan->orphans = orphan;
	return 0;
}

static void drop_orphan(struct scan *scan, const char *session)
{
	struct orphan **at = &scan->orphans;

	while (*at && strcmp((*at)->facts.session, session))
		at = &(*at)->next;
	if (*at) {
		struct orphan *orphan = *at;

		*at = orphan->next;
		free(orphan);
	}
}

/* The first entry of a segment names the sessions that began in the segment before. */
static int scan_segment_entry(struct scan *scan, const char *json)
{
	static const char *const sessions[] = { "sessions", NULL };
	static const char *const id[] = { "id", NULL };
	static const char *const name[] = { "name", NULL };
	static const char *const uid[] = { "uid", NULL };
	_cleanup_(free_tree) yajl_val tree = yajl_tree_parse(json, NULL, 0);
	yajl_val list = tree ? yajl_tree_get(tree, (const char **)sessions, yajl_t_array) : NULL;
	int err = 0;

	for (size_t i = 0; list && i < list->u.array.len && !err; i++) {
		yajl_val item = list->u.array.values[i];
		struct entry_facts facts = { .user = UINT32_MAX };
		const char *text =
			YAJL_GET_STRING(yajl_tree_get(item, (const char **)id, yajl_t_string));
		yajl_val user = yajl_tree_get(item, (const char **)uid, yajl_t_number);

		if (!text)
			continue;
		snprintf(facts.session, sizeof(facts.session), "%s", text);
		text = YAJL_GET_STRING(yajl_tree_get(item, (const char **)name, yajl_t_string));
		snprintf(facts.name, sizeof(facts.name), "%s", text ? text : "");
		if (user && YAJL_IS_INTEGER(user))
			facts.user = (uint32_t)YAJL_GET_INTEGER(user);
		err = add_orphan(scan, &facts);
	}
	return err;
}

static int scan_entry(struct scan *scan, const struct log_head *head, const char *json)
{
	struct entry_facts facts;

	if (head->type == LOG_SEGMENT)
		return scan_segment_entry(scan, json);
	if (head->type != LOG_SESSION_START && head->type != LOG_SESSION_END)
		return 0;
	if (entry_facts(json, head->length, &facts) < 0 || !facts.session[0])
		return 0;
	drop_orphan(scan, facts.session);
	return head->type == LOG_SESSION_START ? add_orphan(scan, &facts) : 0;
}

static void say_missing(const struct scan *scan, const char *reason, uint64_t bytes)
{
	_cleanup_buf_ struct buf text = { 0 };
	struct jsonout json = { .buf = &text };

	json_open(&json, '{');
	json_kv_str(&json, "schema", "mcpfloor.gap/1");
	json_kv_str(&json, "reason", reason);
	json_kv_str(&json, "segment", scan->name);
	json_kv_u64(&json, "offset", scan->good);
	json_kv_u64(&json, "bytes", bytes);
	json_close(&json, '}');
	if (!json.error)
		log_append(scan->log, LOG_GAP, buf_bytes(&text), buf_size(&text));
}

/* 1: the entry at scan->good was read; 0: there is none; -errno. */
static int read_entry(struct scan *scan, struct buf *payload)
{
	uint8_t encoded[LOG_HEAD_BYTES];
	struct log_head head;
	uint8_t *room;
	int err;

	if (scan->size - scan->good < sizeof(encoded) ||
	    pread(scan->fd, encoded, sizeof(encoded), (off_t)scan->good) !=
		    (ssize_t)sizeof(encoded) ||
	    log_head_decode(encoded, sizeof(encoded), &head) != 1 ||
	    head.length > scan->size - scan->good - sizeof(encoded))
		return 0;
	buf_reset(payload, 1 << 20);
	err = buf_reserve(payload, head.length + 1, &room);
	if (err)
		return err;
	if (pread(scan->fd, room, head.length, (off_t)(scan->good + sizeof(encoded))) !=
		    (ssize_t)head.length ||
	    !log_crc_ok(&head, encoded, room))
		return 0;
	room[head.length] = '\0';
	err = scan_entry(scan, &head, (char *)room);
	scan->good += sizeof(encoded) + head.length;
	scan->seq = head.seq + 1;
	scan->last_ns = head.time_ns;
	return err ? err : 1;
}

/* Reads the whole entries. What is damaged between two of them stays where it is: only what has
 * none behind it is a torn tail. */
static int scan_segment(struct scan *scan)
{
	_cleanup_buf_ struct buf payload = { 0 };

	for (;;) {
		uint64_t next = 0;
		int r = read_entry(scan, &payload);

		if (!r)
			r = log_find_entry(scan->fd, scan->good, scan->size, &next);
		if (r <= 0)
			return r;
		if (next) {
			say_missing(scan, "bad entry", next - scan->good);
			scan->good = next;
		}
	}
}

static void say_died(struct log_writer *log, const struct scan *scan,
		     const struct entry_facts *facts, const char *name)
{
	_cleanup_buf_ struct buf text = { 0 };
	struct jsonout json = { .buf = &text };

	json_open(&json, '{');
	json_kv_str(&json, "schema", "mcpfloor.session-end/1");
	json_key(&json, "session");
	json_open(&json, '{');
	json_kv_str(&json, "id", facts->session);
	json_kv_str(&json, "name", facts->name);
	if (facts->user != UINT32_MAX)
		json_kv_u64(&json, "uid", facts->user);
	json_close(&json, '}');
	json_kv_str(&json, "end", "recorder-died");
	json_kv_str(&json, "segment", name);
	json_kv_u64(&json, "last_entry_ns", scan->last_ns);
	json_kv_bool(&json, "complete", false);
	json_key(&json, "incomplete");
	json_open(&json, '[');
	json_str(&json, "recorder-died");
	json_close(&json, ']');
	json_close(&json, '}');
	if (!json.error)
		log_append(log, LOG_SESSION_END, buf_bytes(&text), buf_size(&text));
}

static int recover_segment(struct log_writer *log, int dir_fd, const char *name)
{
	_cleanup_fd_ int fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_(free_scan) struct scan scan = { .log = log, .name = name, .fd = fd };
	struct stat st;
	int err;

	/* what cannot be opened, or is being written, is not ours to repair */
	if (fd < 0 || log_is_closed(fd) != 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return 0;
	/* a writer locks its new segment before it writes: an empty one may be a moment old */
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !st.st_size || log_is_closed(fd) != 0)
		return 0;
	scan.size = (uint64_t)st.st_size;
	err = scan_segment(&scan);
	if (err)
		return err;
	if (scan.good < scan.size)
		say_missing(&scan, "torn tail", scan.size - scan.good);
	for (const struct orphan *orphan = scan.orphans; orphan; orphan = orphan->next)
		say_died(log, &scan, &orphan->facts, name);
	err = log_tick(log, clock_mono_ns(), true);
	if (err)
		return err;
	if (scan.good < scan.size && ftruncate(fd, (off_t)scan.good) < 0)
		return 0; /* said already; readers meet the torn tail as such */
	(void)log_write_closing(fd, scan.good, scan.seq);
	return 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int log_recover(struct log_writer *log, int dir_fd)
{
	_cleanup_fd_ int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(close_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	uint64_t start;
	int err = 0;

	if (!dir)
		return -errno;
	fd = -1; /* the directory's now */
	while (!err && (entry = readdir(dir)))
		if (log_is_segment(entry->d_name, &start))
			err = recover_segment(log, dir_fd, entry->d_name);
	return err;
}
