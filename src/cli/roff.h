/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What manual pages are made of. */

#include <stdio.h>

/* Text with what roff takes for its own escaped. */
void roff(FILE *out, const char *text);
/* Paragraphs, an empty line between; a line that begins with a blank stands as it is. */
void roff_paragraphs(FILE *out, const char *text);
/* Title and NAME section. */
void roff_head(FILE *out, const char *title, unsigned section, const char *summary);
