/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "recorder/recorder.h"

/* The recorder's life in the calling process; 0 or -errno. Without `sandboxed` no right is given
 * up, so that a test can run it in a thread. Owns the descriptors. */
int recorder_run(const struct recorder_options *options, bool sandboxed);
