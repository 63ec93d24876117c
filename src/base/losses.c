/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/losses.h"

#include <stddef.h>

#include "abi/event.h"
#include "base/cleanup.h"

static const char *const words[] = {
	[MF_LOSS_RING_FULL] = "ring_full",
	[MF_LOSS_RING_BULK] = "ring_bulk",
	[MF_LOSS_TAG] = "tag",
	[MF_LOSS_PATH_CUT] = "path_cut",
	[MF_LOSS_PATH_FAULT] = "path_fault",
	[MF_LOSS_ARGV_FAULT] = "argv_fault",
	[MF_LOSS_NOTIFY_OVERFLOW] = "notify_overflow",
	[MF_LOSS_NOTIFY_TASK] = "notify_task",
	[MF_LOSS_MOUNT_GAP] = "mount_gap",
	[MF_LOSS_FILE_EVENT] = "file_event",
	[MF_LOSS_ENGINE] = "engine",
	[MF_LOSS_FORK_REFUSED] = "fork_refused",
	[MF_LOSS_SKIPPED] = "skipped",
	[MF_LOSS_TAG_BUSY] = "tag_busy",
};

const char *loss_word(unsigned reason)
{
	return reason < ARRAY_LEN(words) ? words[reason] : NULL;
}

bool loss_is_loss(unsigned reason)
{
	return reason != MF_LOSS_FORK_REFUSED; /* what was not born did nothing */
}
