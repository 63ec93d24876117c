/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Samples of one measured quantity, and what is said about them: the least, the median, the 99th
 * percentile. Nanoseconds unless the caller says otherwise.
 */

#include <stddef.h>
#include <stdint.h>

struct sample {
	double *values;
	size_t count;
	size_t capacity;
};

void sample_free(struct sample *sample);
void sample_add(struct sample *sample, double value); /* ends the program without memory */
/* share 0 … 1; sorts the sample; 0 for an empty one */
double sample_quantile(struct sample *sample, double share);

static inline double sample_median(struct sample *sample)
{
	return sample_quantile(sample, 0.5);
}
