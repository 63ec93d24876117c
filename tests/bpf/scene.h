/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A scene: an engine, and a child in a mount namespace and cgroup of its own that is a session's
 * root and plays a body. Afterwards every event that it caused is there to look at.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abi/event.h"
#include "abi/page.h"
#include "engine/engine.h"

#define SCENE_NOTES 64

/* shared between the test and the child: what the child wants to be checked against */
struct notes {
	uint64_t value[SCENE_NOTES];
	char text[SCENE_NOTES][512];
	struct mf_page *page; /* the session's, mapped in the child too: set its stamp */
};

struct scene {
	struct engine *engine;
	struct notes *notes;
	struct engine_session_result session;
	uint64_t id;
	uint64_t next_id; /* of the next one to be played; 0: made up */
	int pid; /* of the root, valid during and after */
	int status; /* as in wait(2) */
	struct mf_event **events; /* in the ring's order */
	size_t count;
	struct mf_session_counters counters; /* at the end, before the session was removed */
	bool no_mntns;
	bool deaf; /* the engine is not called while the child runs */
	bool keep; /* do not remove the session: the test does */
	bool stays; /* the hooks, from one session to the next */
	int anchor; /* pid of what keeps them, in a session of its own */
	uint32_t ring_bytes;
	bool ask_by_iter;
	bool syn_by_kprobe;
	const struct engine_policy *policy; /* of the session; NULL: none */
	int cgroup_fd;
	char cgroup[256];
	void (*while_running)(struct scene *scene); /* each round of the loop, may be NULL */
	void (*before_drain)(struct scene *scene); /* the root is dead, nothing drained */
};

/* That these tests are about: $MCPFLOOR_TEST_ENGINE, else the one that `auto` means here */
enum mf_engine scene_engine(void);

/* Plays `body` in the child; its return value is the exit status. */
void scene_play(struct scene *scene, int (*body)(struct notes *notes));
void scene_end(struct scene *scene);
/* The same in steps */
void scene_open(struct scene *scene);
void scene_read(struct scene *scene);

/* cmocka setup and teardown of a whole group: *state is a struct scene with an open engine */
int scene_setup(void **state);
int scene_teardown(void **state);

/* The same with a directory for the group's files */
extern char scene_dir[];
int scene_setup_dir(void **state);
int scene_setup_dir_by_iter(void **state); /* with the look-up of kernels before 6.2 */
int scene_teardown_dir(void **state);
/* `name` in it; four at a time, from one thread only */
const char *in_dir(const char *name);

/* Skips the test where opens are not seen. */
void need_files(const struct scene *scene);

/* The n-th event (from 0) of a kind of this process; pid 0: of any. NULL: none */
struct mf_event *scene_event(const struct scene *scene, uint16_t kind, uint32_t pid, size_t n);
size_t scene_count(const struct scene *scene, uint16_t kind, uint32_t pid);
/* The event of a kind with this path (path2 is not looked at) */
struct mf_event *scene_path(const struct scene *scene, uint16_t kind, const char *path);
struct mf_event *scene_fork_of(const struct scene *scene, uint32_t child_pid);

static inline void *body_of(struct mf_event *event)
{
	return event + 1;
}

/* The strings behind the body, as NUL terminated copies in a static buffer (two at a time) */
const char *text_at(const void *from, size_t len);
const char *file_path_of(struct mf_event *event);
const char *exe_of(struct mf_event *event);
const char *change_path_of(struct mf_event *event);
const char *change_path2_of(struct mf_event *event);

/* Every field of the header that is the same for all events of a process */
void check_head(const struct scene *scene, const struct mf_event *event, uint32_t pid, uint32_t tid,
		const char *comm);
/* When it began, as struct mf_event's start_ns, to a tick of 10 ms */
uint64_t start_of(int pid);

/* What is to be told by a struct mf_ev_act of the session's root, at the stamp SCENE_STAMP */
struct act_want {
	uint16_t kind;
	const char *comm; /* NULL: "actor" */
	uint32_t number;
	uint64_t value;
	uint32_t target_pid;
	uint64_t target_start_ns; /* to a tick */
	const char *path, *name; /* NULL: none */
	size_t nth; /* of this kind, from 0 */
};

/* the scene itself takes the page's descriptor from the test */
#define SCENE_PTRACES 1
#define SCENE_RECEIVES 1
#define SCENE_STAMP MF_STAMP(2, 1)
/* In the child, before it acts: it is called "actor", and one request is in flight */
void scene_act(struct notes *notes);
/* Every field of it */
void check_act(const struct scene *scene, struct act_want want);

/* Skips the test on another engine than this one. */
void need_engine(enum mf_engine kind);

void skip_because(const char *reason);
