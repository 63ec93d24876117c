/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Ring records, checked: after event_parse() every pointer and length of the view is inside the
 * record. The record stays the caller's and must be aligned to 8 bytes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/event.h"

struct event_view {
	const struct mf_event *head;
	const void *body; /* of the kind; the strings follow it */
	size_t body_size; /* of the struct */
	const char *text[2]; /* path and path2; exe and argv; path and name */
	size_t text_size[2];
};

/* 0; -EBADMSG when lengths do not fit; -ENOTSUP for a kind or version that is not known. */
int event_parse(const void *record, size_t size, struct event_view *ret_event);

enum event_body {
	BODY_FORK = 1,
	BODY_EXEC,
	BODY_EXIT,
	BODY_FILE,
	BODY_CHANGE,
	BODY_NET,
	BODY_ACT,
	BODY_SEND_ON, /* begins as BODY_NET */
};

struct event_kind {
	const char *name; /* in records */
	enum event_body body;
};

/* NULL for what is no kind. */
const struct event_kind *event_kind(unsigned kind);

/*
 * Whether two events of one kind say the same, times and what differs between repetitions of one
 * act (local port, socket cookie, inode) apart. The hash agrees with it.
 */
uint64_t event_hash(const struct event_view *event, uint64_t seed);
bool event_same(const struct event_view *event, const void *body, const char *texts);

/* Of a body that was checked once: its size, and the lengths of its strings. */
void event_texts(unsigned kind, const void *body, size_t *ret_body_size, size_t *ret_first,
		 size_t *ret_second);

uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed);
