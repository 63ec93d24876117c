/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* mkdir -p: what is missing is made with `mode`, whatever the umask. 0 or -errno. */
int directory_make(const char *path, mode_t mode);
/*
 * STATE_DIR and STATE_DIR/log, made 0700 where missing, and then the latter is `uid`'s. Descriptor
 * of the latter, or -errno. One that was there stays as it is: with another owner, or with rights
 * for others, it is not for a log, and *ret_foreign is set (-EPERM).
 */
int directory_open_log(const char *state_dir, uid_t uid, gid_t gid, bool *ret_foreign);
