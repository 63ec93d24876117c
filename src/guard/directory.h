/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <sys/types.h>

/* mkdir -p: what is missing is made with `mode`, whatever the umask. 0 or -errno. */
int directory_make(const char *path, mode_t mode);
/* STATE_DIR and STATE_DIR/log, made 0700 where missing. Descriptor of the latter, or -errno. */
int directory_open_log(const char *state_dir);
