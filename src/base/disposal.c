/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/disposal.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define STACK_BYTES (256 << 10)

struct item {
	int fd;
	uid_t uid;
};

/* Its threads outlive whoever disposes, so it is the process's. */
static struct {
	pthread_mutex_t lock;
	struct item queue[DISPOSAL_QUEUE_MAX];
	size_t first, count;
	struct item active[DISPOSAL_THREADS_MAX]; /* fd -1: no thread has this place */
	size_t threads;
	bool ready;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void nothing(int signo)
{
	(void)signo;
}

/* A signal that has a handler ends a wait, whether or not it is the first. */
static bool nudge_self(timer_t *ret_timer)
{
	struct itimerspec each_second = { .it_interval.tv_sec = 1, .it_value.tv_sec = 1 };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG };
	sigset_t urgent;

	event._sigev_un._tid = gettid();
	sigemptyset(&urgent);
	sigaddset(&urgent, SIGURG);
	pthread_sigmask(SIG_UNBLOCK, &urgent, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, ret_timer) < 0)
		return false;
	timer_settime(*ret_timer, 0, &each_second, NULL);
	return true;
}

/* The next to close, into `place`; when there is none, the thread is none any more either. */
static bool take(struct item *place)
{
	bool found;

	pthread_mutex_lock(&pool.lock);
	found = pool.count > 0;
	if (found) {
		*place = pool.queue[pool.first];
		pool.first = (pool.first + 1) % DISPOSAL_QUEUE_MAX;
		pool.count--;
	} else {
		place->fd = -1;
		pool.threads--;
	}
	pthread_mutex_unlock(&pool.lock);
	return found;
}

static void *close_all(void *arg)
{
	struct item *place = arg;
	timer_t timer;
	bool nudged = nudge_self(&timer);

	do
		close_fd(place->fd);
	while (take(place));
	if (nudged)
		timer_delete(timer);
	return NULL;
}

static void get_ready(void)
{
	struct sigaction action = { .sa_handler = nothing };

	for (size_t i = 0; i < DISPOSAL_THREADS_MAX; i++)
		pool.active[i].fd = -1;
	sigaction(SIGURG, &action, NULL);
	pool.ready = true;
}

static int thread_start(struct item *place)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	pthread_attr_setstacksize(&attr, STACK_BYTES); /* else the default, which does as well */
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, &attr, close_all, place);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

/* A thread for the first that waits, if there can be one more. */
static void help(void)
{
	struct item *place = pool.active;

	if (!pool.count || pool.threads == DISPOSAL_THREADS_MAX)
		return;
	while (place->fd >= 0)
		place++;
	*place = pool.queue[pool.first];
	if (thread_start(place)) {
		place->fd = -1;
		return;
	}
	pool.first = (pool.first + 1) % DISPOSAL_QUEUE_MAX;
	pool.count--;
	pool.threads++;
}

void disposal_close(int fd, uid_t uid)
{
	if (fd < 0)
		return;
	pthread_mutex_lock(&pool.lock);
	if (!pool.ready)
		get_ready();
	/* the bounds of connections keep it from being full; if it is, an open one harms less than
	 * a wait */
	if (pool.count < DISPOSAL_QUEUE_MAX)
		pool.queue[(pool.first + pool.count++) % DISPOSAL_QUEUE_MAX] =
			(struct item){ fd, uid };
	help();
	pthread_mutex_unlock(&pool.lock);
}

void disposal_forked(void)
{
	pthread_mutex_init(&pool.lock, NULL); /* a thread of the parent's may have held it */
	pool.first = pool.count = pool.threads = 0;
	pool.ready = false;
}

size_t disposal_waiting(void)
{
	size_t count;

	pthread_mutex_lock(&pool.lock);
	help();
	count = pool.count;
	pthread_mutex_unlock(&pool.lock);
	return count;
}

size_t disposal_under_way(uid_t uid)
{
	size_t count = 0;

	pthread_mutex_lock(&pool.lock);
	for (size_t i = 0; i < pool.count; i++)
		count += pool.queue[(pool.first + i) % DISPOSAL_QUEUE_MAX].uid == uid;
	for (size_t i = 0; pool.threads && i < DISPOSAL_THREADS_MAX; i++)
		count += pool.active[i].fd >= 0 && pool.active[i].uid == uid;
	pthread_mutex_unlock(&pool.lock);
	return count;
}
