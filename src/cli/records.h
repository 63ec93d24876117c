/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Where records are read from: the state directory when it can be read, else the daemon.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "record/reader.h"
#include "record/render.h"

enum records_span {
	RECORDS_PAST = 1, /* what is there */
	RECORDS_NEW = 2, /* what is written from now on */
};

struct records {
	struct log_source *source;
	int log_fd; /* -1: from the daemon */
	int watch_fd; /* tells of changes of the directory, -1: none */
	bool follows; /* asks the daemon, for new ones */
	char *where; /* for messages, safe to print */
};

/* On failure the reason, and the way out, has been said on stderr. */
int records_open(const struct cli_args *args, enum records_span span, struct records *ret_records);
/* New records of a session that mcpfloor run has opened with the same options. */
int records_open_for_call(const struct cli_args *args, struct records *ret_records);
void records_close(struct records *records);
#define _cleanup_records_ _cleanup_(records_close)

/* 1 and the entry; 0 when there is no more now; -errno. RECORDS_NEW does not wait for them. */
int records_next(struct records *records, struct log_entry *ret_entry);
/* Waits until there may be more, at most `ms`. -ECONNRESET: the daemon ended, there will be none. */
int records_wait(const struct records *records, int ms);
/* Says what went wrong on stderr; returns CLI_NO_ACCESS. */
int records_failed(const struct records *records, int error);
/* Whether the entry is JSON; a log may hold anything. */
bool records_is_json(const struct log_entry *entry);
/* One line on stderr, when there are any. */
void records_say_gaps(size_t gaps);

/* Whether the entry belongs to the session called `session`, by name or id; NULL: any. */
bool records_of_session(const struct entry_facts *facts, const char *session);

/* A copy of an entry. */
struct kept {
	struct log_entry entry; /* .json points into `json` */
	char *json;
};

/* The newest `max` entries, oldest first. */
struct kept_list {
	struct kept *items;
	size_t count; /* kept now */
	size_t next; /* where the next one goes, when `count` is `max` */
	size_t capacity;
	size_t max; /* 0: all */
};

int kept_add(struct kept_list *list, const struct log_entry *entry);
const struct kept *kept_at(const struct kept_list *list, size_t index);
void kept_free(struct kept_list *list);
#define _cleanup_kept_ _cleanup_(kept_free)

/* Writes `out` and empties it. */
int records_print(struct buf *out);
/* A JSON payload as one line. On a terminal characters that it would not show are written as
 * \uXXXX, which means the same. */
int records_print_json(const char *json, size_t size);
struct render_style records_style(void);
