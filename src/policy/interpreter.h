/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

/*
 * Whether the program of that path runs whatever text it is given: a shell, an interpreter, or a
 * program that starts any other one. Told by its name, versions and all. An exec line of one allows
 * more than it seems to.
 */
bool policy_is_interpreter(const char *path);
