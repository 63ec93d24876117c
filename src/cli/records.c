/* SPDX-License-Identifier: BSD-2-Clause */

#include "cli/records.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <yajl/yajl_parse.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/ipc.h"
#include "cli/place.h"

#define LOOK_MS 200 /* where nothing tells of changes */
#define FRAME_TIMEOUT_S 30 /* a daemon that says nothing for so long is stuck */

static int open_log(const char *state_dir, int *ret_fd)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/log", state_dir) < 0)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* Without a watch the directory is looked at now and then: slower, not wrong. */
static int watch_log(int log_fd)
{
	_cleanup_fd_ int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", log_fd);
	if (fd < 0 ||
	    inotify_add_watch(fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF) < 0)
		return -1;
	return take_fd(&fd);
}

/* "From now" is the moment of the first read: it must not be later than this opening. */
static int pass_over(struct log_source *source)
{
	struct log_entry entry;
	int r;

	do
		r = log_source_next(source, &entry);
	while (r > 0);
	return r;
}

static int open_dir(const char *state_dir, enum records_span span, struct records *ret_records)
{
	struct records records = { .log_fd = -1, .watch_fd = -1 };
	int r = open_log(state_dir, &records.log_fd);

	if (r < 0)
		return r;
	if (span == RECORDS_NEW) {
		records.watch_fd = watch_log(records.log_fd);
		r = log_source_dir_from_now(records.log_fd, &records.source);
		if (r >= 0)
			r = pass_over(records.source);
	} else {
		r = log_source_dir(records.log_fd, &records.source);
	}
	records.where = r < 0 ? NULL : cli_shown(state_dir);
	if (r >= 0 && !records.where)
		r = -ENOMEM;
	if (r < 0) {
		records_close(&records);
		return r;
	}
	*ret_records = records;
	return 0;
}

static int open_daemon(const char *run_dir, enum records_span span, struct records *ret_records)
{
	const struct timeval timeout = { .tv_sec = FRAME_TIMEOUT_S };
	struct mf_query query = { .version = MF_ABI_VERSION };
	struct records records = { .log_fd = -1, .watch_fd = -1 };
	_cleanup_free_ char *path = NULL;
	_cleanup_fd_ int sock = -1;
	int r;

	if (asprintf(&path, "%s/query.sock", run_dir) < 0)
		return -ENOMEM;
	sock = ipc_connect(path, SOCK_STREAM);
	if (sock < 0)
		return sock;
	if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	if (span == RECORDS_NEW)
		query.flags = MF_Q_FOLLOW | MF_Q_NO_PAST;
	records.follows = span == RECORDS_NEW;
	r = log_source_socket(take_fd(&sock), &query, &records.source);
	if (r < 0)
		return r;
	records.where = cli_shown(path);
	if (!records.where) {
		records_close(&records);
		return -ENOMEM;
	}
	*ret_records = records;
	return 0;
}

int records_open(const struct cli_args *args, enum records_span span, struct records *ret_records)
{
	const char *run_dir = place_run_dir(args->run_dir);
	_cleanup_free_ char *state_dir = NULL;
	_cleanup_free_ char *shown = NULL;
	_cleanup_free_ char *shown_run = NULL;
	int dir_error = place_state_dir(args->state_dir, &state_dir);
	int r;

	if (dir_error >= 0)
		dir_error = open_dir(state_dir, span, ret_records);
	if (dir_error >= 0)
		return 0;
	shown = cli_shown(state_dir ? state_dir : "(no HOME)");
	if (args->state_dir) {
		cli_error("the records in %s cannot be read: %s", shown, strerror(-dir_error));
		return dir_error;
	}
	r = open_daemon(run_dir, span, ret_records);
	if (r >= 0)
		return 0;
	shown_run = cli_shown(run_dir);
	cli_error("no records: %s: %s; %s/query.sock: %s; name the place with --state DIR, or "
		  "start mcpfloord",
		  shown, strerror(-dir_error), shown_run, strerror(-r));
	return r;
}

int records_open_for_call(const struct cli_args *args, struct records *ret_records)
{
	/* a session goes to the daemon where there is one, whatever --state says */
	if (open_daemon(place_run_dir(args->run_dir), RECORDS_NEW, ret_records) >= 0)
		return 0;
	return records_open(args, RECORDS_NEW, ret_records);
}

void records_close(struct records *records)
{
	if (records->source)
		log_source_free(records->source);
	records->source = NULL;
	records->log_fd = close_fd(records->log_fd);
	records->watch_fd = close_fd(records->watch_fd);
	free(records->where);
	records->where = NULL;
}

/* A source that follows would wait for the next entry; what is there is enough. It reads whole
 * frames only, so nothing that it has taken in is missed by asking the socket. */
static bool is_quiet(const struct records *records)
{
	struct pollfd fd = { .fd = log_source_fd(records->source), .events = POLLIN };

	return records->follows && poll(&fd, 1, 0) == 0;
}

int records_next(struct records *records, struct log_entry *ret_entry)
{
	int r = is_quiet(records) ? 0 : log_source_next(records->source, ret_entry);

	return r == -EAGAIN ? -ETIMEDOUT : r;
}

/* Nothing will ever come into a directory that was removed. */
static bool is_removed(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

int records_wait(const struct records *records, int ms)
{
	struct pollfd fd = { .events = POLLIN };
	char waste[4096];

	fd.fd = records->log_fd < 0 ? log_source_fd(records->source) : records->watch_fd;
	if (fd.fd < 0 && ms > LOOK_MS)
		ms = LOOK_MS;
	poll(&fd, 1, ms);
	if (records->log_fd >= 0 && is_removed(records->log_fd))
		return -ENOENT;
	if (!fd.revents)
		return 0;
	if (records->log_fd < 0) /* an end that was reached does not go away by waiting */
		return recv(fd.fd, waste, 1, MSG_PEEK | MSG_DONTWAIT) == 0 ? -ECONNRESET : 0;
	while (read(records->watch_fd, waste, sizeof(waste)) > 0)
		;
	return 0;
}

int records_failed(const struct records *records, int error)
{
	if (ferror(stdout)) /* the last word on that is the dispatcher's */
		return CLI_NO_ACCESS;
	if (error == -ECONNRESET)
		cli_error("the answer of %s is not whole: mcpfloord ended, or too many queries of "
			  "yours "
			  "are open",
			  records->where);
	else
		cli_error("reading records from %s failed: %s", records->where, strerror(-error));
	return CLI_NO_ACCESS;
}

bool records_is_json(const struct log_entry *entry)
{
	yajl_handle parser = yajl_alloc(NULL, NULL, NULL);
	bool is = parser &&
		  yajl_parse(parser, (const unsigned char *)entry->json, entry->size) ==
			  yajl_status_ok &&
		  yajl_complete_parse(parser) == yajl_status_ok;

	if (parser)
		yajl_free(parser);
	return is;
}

void records_say_gaps(size_t gaps)
{
	if (gaps)
		cli_error("%zu %s in the log: something is missing; mcpfloor tail tells what", gaps,
			  gaps == 1 ? "gap" : "gaps");
}

bool records_of_session(const struct entry_facts *facts, const char *session)
{
	return !session || strcmp(facts->session, session) == 0 ||
	       strcmp(facts->name, session) == 0;
}

int kept_add(struct kept_list *list, const struct log_entry *entry)
{
	struct kept *slot;
	char *json = malloc(entry->size + 1);

	if (!json)
		return -ENOMEM;
	if (list->max && list->count == list->max) {
		slot = &list->items[list->next];
		list->next = (list->next + 1) % list->max;
		free(slot->json);
	} else {
		if (list->count == list->capacity) {
			size_t capacity = list->capacity ? list->capacity * 2 : 16;
			struct kept *items = reallocarray(list->items, capacity, sizeof(*items));

			if (!items) {
				free(json);
				return -ENOMEM;
			}
			list->items = items;
			list->capacity = capacity;
		}
		slot = &list->items[list->count++];
	}
	memcpy(json, entry->json, entry->size);
	json[entry->size] = '\0';
	slot->entry = *entry;
	slot->entry.json = json;
	slot->json = json;
	return 0;
}

const struct kept *kept_at(const struct kept_list *list, size_t index)
{
	return &list->items[(list->next + index) % list->count];
}

void kept_free(struct kept_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].json);
	free(list->items);
	*list = (struct kept_list){ .max = list->max };
}

int records_print(struct buf *out)
{
	size_t size = buf_size(out);
	int r = fwrite(buf_bytes(out), 1, size, stdout) == size ? 0 : -EIO;

	buf_reset(out, 1 << 16);
	return r;
}

static void print_code(unsigned code)
{
	if (code >= 0x10000) {
		code -= 0x10000;
		printf("\\u%04x\\u%04x", 0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff));
	} else {
		printf("\\u%04x", code);
	}
}

int records_print_json(const char *json, size_t size)
{
	const unsigned char *at = (const unsigned char *)json;
	bool plain = !isatty(STDOUT_FILENO);

	while (size && json[size - 1] == '\n')
		size--;
	if (plain)
		return fwrite(json, 1, size, stdout) == size ? 0 : -EIO;
	while (size) {
		unsigned code = 0;
		size_t length = utf8_sequence(at, size, &code);

		if (!length)
			return -EBADMSG;
		if (code >= 0x20 && code < 0x7f)
			putchar((int)code);
		else
			print_code(code);
		at += length;
		size -= length;
	}
	return ferror(stdout) ? -EIO : 0;
}

struct render_style records_style(void)
{
	return (struct render_style){ .color = cli_colour(stdout) };
}
