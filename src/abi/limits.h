/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Limits that the BPF programs, the guard, the recorder and the relay share.
 * Every one of them is a stated bound: what is larger is cut, counted and named, never dropped
 * silently.
 */

#define MF_ABI_VERSION 1

#define MF_COMM_LEN 16 /* TASK_COMM_LEN */
#define MF_NAME_LEN 64 /* session name and tenant, NUL included */
#define MF_CWD_LEN 1024 /* a session's working directory, NUL included */
#define MF_PATH_MAX 4096 /* one path in an event, without NUL */
#define MF_ARGV_MAX 4096 /* bytes of an argv kept in an exec event */
#define MF_SESSIONS_MAX 1024 /* sessions that one guard serves at once */
#define MF_PAGE_SIZE 65536 /* the in-flight page */
#define MF_PAGE_SLOTS 480 /* requests in flight that the page can name one by one */
#define MF_PAGE_CALLS_SIZE 12288 /* of it, before the grants */
#define MF_PAGE_UNITS 1109 /* of 48 bytes, for the grants of all that are in flight */
#define MF_JOURNAL_PACKET 65536 /* one journal packet, header included */
#define MF_ARGS_MAX 32768 /* bytes of arguments kept in a record */
#define MF_TEXT_MAX 8192 /* bytes of a reply's text kept in a record */
#define MF_ID_MAX 16384 /* bytes of a JSON-RPC id kept, as written */
#define MF_TOOL_MAX 16384 /* bytes of a tool name kept */
