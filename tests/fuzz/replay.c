/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Stands in for libFuzzer: hands every seed of a folder to the target, one TAP test each. A target
 * that finds a fault ends the program, which the test runner takes for a failure.
 */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_MAX (32U << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *folder, const char *name)
{
	char path[4096];
	uint8_t *data;
	size_t size;
	FILE *file;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return -1;
	file = fopen(path, "re");
	if (!file)
		return -1;
	data = malloc(SEED_MAX);
	if (!data) {
		fclose(file);
		return -1;
	}
	size = fread(data, 1, SEED_MAX, file);
	fclose(file);
	/* exactly as long as the seed, so that ASan sees a read past its end */
	data = realloc(data, size ? size : 1);
	if (data)
		LLVMFuzzerTestOneInput(data, size);
	free(data);
	return data ? 0 : -1;
}

int main(int argc, char **argv)
{
	int count = 0, failed = 0;
	struct dirent *entry;
	DIR *folder;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 2;
	}
	folder = opendir(argv[1]);
	if (!folder) {
		perror(argv[1]);
		return 1;
	}
	while ((entry = readdir(folder))) {
		int err;

		if (entry->d_name[0] == '.')
			continue;
		err = replay(argv[1], entry->d_name);
		failed += err != 0;
		printf("%s %d - seed %s\n", err ? "not ok" : "ok", ++count, entry->d_name);
		fflush(stdout);
	}
	closedir(folder);
	printf("1..%d\n", count);
	return failed != 0;
}
