/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * All accesses of a log, or of files with one record a line (`requests --json`, `show --json`), in
 * the order in which they were recorded.
 */

#include "cli/cli.h"
#include "cli/recorded.h"

struct recorded_call {
	const char *uid; /* "" for what belongs to no request */
	yajl_val entry;
	const char *tool; /* by whose block it is decided: a tool's name, or the method's where that
			   * names no tool; a NUL behind it. NULL: it has none, or is no request */
	size_t tool_size;
	const char *arguments; /* JSON; NULL: not known, or they can be read in two ways */
	size_t arguments_size;
	const char *cwd; /* of the server, absolute; NULL: not known */
	bool arguments_told; /* they are all that was sent */
	bool is_request; /* else: what was late, or belongs to no request */
	bool complete; /* nothing of it is missing */
};

struct recorded_step {
	const struct recorded_access *access;
	uint64_t uses;
	bool passing; /* made, and gone later on in the same record */
	bool no_call; /* nothing was in flight, or its request had ended */
	bool unsure; /* it may be another request's, whose record has it, too */
	const char *event; /* the same text in each of these records; NULL when not unsure */
};

/* A row that asks something of a policy, as a whole. */
struct recorded_event {
	yajl_val row;
	const struct question *question;
};

struct recorded_visitor {
	void *data;
	/* Each may stop everything with a negative return, and be NULL. */
	int (*call)(void *data, const struct recorded_call *call);
	int (*step)(void *data, const struct recorded_call *call, const struct recorded_step *step);
	int (*event)(void *data, const struct recorded_call *call,
		     const struct recorded_event *event);
};

struct recorded_totals {
	size_t requests, others, incomplete;
	size_t no_path; /* events whose object is not known */
	size_t no_flags; /* opens that are taken for reading and writing */
	size_t gaps;
};

/*
 * Visits the log that the options name, or the files `paths` (NULL-terminated). CLI_OK, or another exit status after the reason was said on stderr.
 */
int recorded_walk(const struct cli_args *args, char *const *paths,
		  const struct recorded_visitor *visitor, struct recorded_totals *ret_totals);
