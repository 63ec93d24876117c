/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Whether execvp() will find a command: 0, or -errno as execvp would fail (-ENOENT, -EACCES, …).
 * Asked before anything is started, so that a mistyped command costs nothing.
 */
int command_check(const char *name);
