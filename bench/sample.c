/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "sample.h"

void sample_free(struct sample *sample)
{
	free(sample->values);
	*sample = (struct sample){ 0 };
}

void sample_add(struct sample *sample, double value)
{
	if (sample->count == sample->capacity) {
		sample->capacity = sample->capacity ? sample->capacity * 2 : 1024;
		sample->values =
			reallocarray(sample->values, sample->capacity, sizeof(*sample->values));
		if (!sample->values) {
			perror("bench");
			exit(1);
		}
	}
	sample->values[sample->count++] = value;
}

static int ascending(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

double sample_quantile(struct sample *sample, double share)
{
	size_t index;

	if (!sample->count)
		return 0;
	qsort(sample->values, sample->count, sizeof(*sample->values), ascending);
	index = (size_t)(share * (double)(sample->count - 1) + 0.5);
	return sample->values[index];
}
