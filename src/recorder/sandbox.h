/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Giving up rights, in two steps: first identity and capabilities (per thread, so before there is a
 * second one), then the system calls (for all threads at once).
 */

/* Keeps 0, 1, 2 and those given (-1 is ignored): what else came over the fork is the guard's, and
 * must not live on in the recorder. */
int sandbox_keep_fds(const int *fds, int count);

/* To recorder_identity(); always without capabilities, no_new_privs, not dumpable. */
int sandbox_drop_identity(void);

/* Only files below the state directory (Landlock, where the kernel has it); only the system calls
 * of a recorder's life: any other fails with EPERM. */
int sandbox_restrict(int state_dir_fd);
