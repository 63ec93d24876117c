/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Ring records and journal packets for tests, as short to write as to read.
 */

#include <stdint.h>

#include "abi/event.h"
#include "abi/journal.h"
#include "abi/page.h"
#include "abi/recorder.h"

#define STORY_SESSION 0x1122334455667788ULL
#define STORY_ROOT_PID 100
#define STORY_ROOT_START 1000
#define STORY_STARTED 1700000000000000000ULL /* CLOCK_REALTIME */
#define STORY_MONO 5000000000ULL /* the same moment */

struct story_packet {
	_Alignas(8) char bytes[MF_JOURNAL_PACKET];
	uint32_t size;
};

struct mf_r_session story_session(void);

/* Journal entries; each overwrites the packet. */
void story_begin(struct story_packet *packet, uint64_t ordinal, uint64_t stamp, const char *id,
		 const char *tool, const char *args);
void story_end(struct story_packet *packet, uint64_t ordinal, uint64_t stamp, enum mf_end end,
	       const char *text);
void story_tool(struct story_packet *packet, const char *name, uint8_t read_only,
		uint8_t destructive, uint8_t open_world);
void story_exit(struct story_packet *packet, uint32_t status);

/* Events, by the root process at `stamp`, unless changed afterwards. */
struct story_event {
	struct mf_event head;
	char body[12000];
};

void story_open(struct story_event *event, uint64_t stamp, const char *path, uint32_t flags);
void story_change(struct story_event *event, uint16_t kind, uint64_t stamp, const char *path);
void story_connect(struct story_event *event, uint64_t stamp, const uint8_t ip[4], uint16_t port);
/* By the root process, on a connection that it opened at `opened`; 0 and no pid: not seen to */
void story_send_on(struct story_event *event, uint64_t stamp, const uint8_t ip[4], uint64_t opened,
		   uint32_t opener_pid);
void story_fork(struct story_event *event, uint64_t stamp, uint32_t child_pid,
		uint64_t child_birth);
/* argv: NUL separated, as long as `argv_size`. */
void story_exec(struct story_event *event, uint64_t stamp, const char *exe, const char *argv,
		uint16_t argv_size);
void story_exit_event(struct story_event *event, uint64_t stamp, uint32_t code);
void story_by(struct story_event *event, uint32_t pid, uint64_t birth);
