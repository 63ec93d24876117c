/* SPDX-License-Identifier: BSD-2-Clause */
/* What is told by a struct mf_ev_act, field by field. */
#include "scene.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* As /proc tells it, in ticks */
#define TICK_NS (NS_PER_S / 100)

uint64_t start_of(int pid)
{
	_cleanup_file_ FILE *stat = NULL;
	unsigned long long ticks = 0;
	char path[32], line[1024];
	const char *at;
	int i;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat = fopen(path, "re");
	assert_true(stat && fgets(line, sizeof(line), stat));
	at = strrchr(line, ')') + 1;
	for (i = 0; i < 19; i++) /* the first behind the name is the 3rd, this is the 22nd */
		at = strchr(at + 1, ' ');
	assert_int_equal(sscanf(at, "%llu", &ticks), 1);
	return ticks * TICK_NS;
}

void scene_act(struct notes *notes)
{
	prctl(PR_SET_NAME, "actor");
	notes->page->stamp = SCENE_STAMP;
}

static void check_text(const void *from, size_t len, const char *want)
{
	assert_string_equal(text_at(from, len), want ? want : "");
}

static bool is_only_asked(uint16_t kind)
{
	static const uint16_t kinds[] = { MF_EV_SOCKET,	    MF_EV_MOUNT,  MF_EV_MOVE_MOUNT,
					  MF_EV_PIVOT_ROOT, MF_EV_CHROOT, MF_EV_USERNS,
					  MF_EV_BPF,	    MF_EV_MODULE, MF_EV_KERNEL_READ,
					  MF_EV_PERF,	    MF_EV_URING };
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i] == kind)
			return true;
	}
	return false;
}

void check_act(const struct scene *scene, struct act_want want)
{
	struct mf_event *event = scene_event(scene, want.kind, 0, want.nth);
	uint32_t pid = (uint32_t)scene->pid;
	struct mf_ev_act *act;

	if (!event)
		fail_msg("no event %zu of kind %u", want.nth, want.kind);
	check_head(scene, event, pid, pid, want.comm ? want.comm : "actor");
	assert_int_equal(event->stamp, SCENE_STAMP);
	assert_int_equal(event->stamp_lo, SCENE_STAMP);
	assert_int_equal(event->birth, 0);
	assert_int_equal(event->flags, is_only_asked(want.kind) ? MF_EVF_ASKED : 0);
	act = body_of(event);
	assert_int_equal(event->size,
			 sizeof(*event) + sizeof(*act) + act->path_len + act->name_len);
	assert_int_equal(act->number, want.number);
	assert_int_equal(act->value, want.value);
	assert_int_equal(act->target_pid, want.target_pid);
	assert_int_equal(act->target_start_ns / TICK_NS, want.target_start_ns / TICK_NS);
	assert_int_equal(act->path_flags, 0);
	assert_int_equal(act->pad, 0);
	check_text(act + 1, act->path_len, want.path);
	check_text((const char *)(act + 1) + act->path_len, act->name_len, want.name);
}
