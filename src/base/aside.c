/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/aside.h"

#include <signal.h>

#include "base/cleanup.h"

#define STACK_BYTES (256 << 10)

static void *run(void *arg)
{
	struct aside *aside = arg;

	aside->result = aside->job(aside->data);
	return NULL;
}

static int start_thread(struct aside *aside)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int err;

	err = pthread_attr_init(&attr);
	if (err)
		return -err;
	pthread_attr_setstacksize(&attr, STACK_BYTES); /* else the default, which does as well */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&aside->thread, &attr, run, aside);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

void aside_start(struct aside *aside, int (*job)(void *data), void *data)
{
	aside_wait(aside);
	aside->job = job;
	aside->data = data;
	aside->running = start_thread(aside) == 0;
	if (!aside->running)
		run(aside);
}

int aside_wait(struct aside *aside)
{
	if (aside->running)
		pthread_join(aside->thread, NULL);
	aside->running = false;
	return aside->result;
}
