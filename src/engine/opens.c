/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens, as fanotify permission events: the thread waits in the kernel until it is answered, so
 * the BPF program that is asked here finds it alive, with the registers of its system call. It
 * answers by the session's policy; without one, always yes.
 */

#include <fcntl.h>
#include <string.h>

#include "engine/state.h"

#define OPENS_MASK (FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM | FAN_ONDIR)
#define NULL_DEVICE "/dev/null"
#define BATCHES_MAX 16 /* then the guard's loop gets its turn */

/*
 * Whether this kernel reports opens of devices. For a permission event it then opens the device in
 * our name, and refuses the open when that fails (as /dev/tty does without a terminal): what is
 * watched would behave differently, so file systems of devices must stay unmarked there. Newer
 * kernels do not report them. Asked of the group of changes, which has no session's marks yet: the
 * end of a group of its own would take 16 ms.
 */
static bool reports_devices(int group)
{
	_cleanup_fd_ int device = -1;
	bool reported = false;
	char events[4096];

	if (group < 0 || fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, NULL_DEVICE))
		return true;
	device = open(NULL_DEVICE, O_RDONLY | O_CLOEXEC);
	fanotify_mark(group, FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD, NULL_DEVICE);
	/* other processes' opens as well */
	while (read(group, events, sizeof(events)) > 0)
		reported = true;
	return reported;
}

int opens_open(struct engine *engine)
{
	engine->skip_devices = reports_devices(engine->changes_fd);
	/* non-blocking for the objects too: a FIFO must not hold us */
	engine->opens_fd =
		fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_TID |
				      FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS,
			      O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NONBLOCK | O_NOATIME);
	return engine->opens_fd < 0 ? -errno : 0;
}

int opens_mark(struct engine *engine, int mount_fd, bool add)
{
	char path[64];

	if (engine->opens_fd < 0)
		return engine->opens_error;
	if (engine->ask_by_iter && engine->hook_error[HOOK_FILE_QUESTION_ITER])
		return engine->hook_error[HOOK_FILE_QUESTION_ITER];
	/* a mark takes no O_PATH descriptor, but a path that leads to it */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", mount_fd);
	if (fanotify_mark(engine->opens_fd, (add ? FAN_MARK_ADD : FAN_MARK_REMOVE) | FAN_MARK_MOUNT,
			  OPENS_MASK, AT_FDCWD, path))
		return -errno;
	return 0;
}

/* Nobody was told who opens it: whoever it is, where a session enforces, may be of that one. */
static bool any_enforces(const struct engine *engine)
{
	for (uint32_t slot = 0; slot < engine->sessions_top; slot++) {
		if (engine->sessions[slot] &&
		    policies_mode(engine->sessions[slot]) == MF_POL_ENFORCE)
			return true;
	}
	return false;
}

/* Whether it is refused */
static bool ask(struct engine *engine, const struct fanotify_event_metadata *event)
{
	struct mf_question q = {
		.tid = (uint32_t)event->pid,
		.fd = event->fd,
		.exec = !!(event->mask & FAN_OPEN_EXEC_PERM),
	};
	struct session *session;
	int error;

	engine->stats.file_questions++;
	error = ask_file(engine, &q);
	if (!error && !q.session) {
		engine->stats.file_untagged++;
		return q.error && any_enforces(engine);
	}
	session = session_find(engine, q.session);
	if (session && (error || q.error))
		session_lose(engine, session, MF_LOSS_FILE_EVENT);
	if (error)
		return any_enforces(engine);
	if (q.error && session && policies_mode(session) != MF_POL_ENFORCE)
		return false;
	return q.refused;
}

static void overflow(struct engine *engine)
{
	uint32_t slot;

	engine->stats.notify_overflows++;
	for (slot = 0; slot < engine->sessions_top; slot++) {
		if (engine->sessions[slot])
			session_lose(engine, engine->sessions[slot], MF_LOSS_NOTIFY_OVERFLOW);
	}
}

static int answer(struct engine *engine, const struct fanotify_event_metadata *event)
{
	struct fanotify_response response = { .fd = event->fd, .response = FAN_ALLOW };
	int error = 0;

	if (event->mask & FAN_Q_OVERFLOW) {
		overflow(engine);
		return 0;
	}
	if (event->fd < 0)
		return 0;
	if (event->mask & (FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM)) {
		if (ask(engine, event))
			response.response = FAN_DENY;
		if (write(engine->opens_fd, &response, sizeof(response)) < 0 && errno != ENOENT)
			error = -errno; /* ENOENT: the thread was killed meanwhile */
	}
	close_fd(event->fd);
	return error;
}

int opens_dispatch(struct engine *engine)
{
	struct fanotify_event_metadata events[64], *event;
	int i, error, first = 0;
	ssize_t size;

	for (i = 0; i < BATCHES_MAX; i++) {
		size = read(engine->opens_fd, events, sizeof(events));
		if (size < 0)
			return errno == EAGAIN || errno == EINTR ? first : -errno;
		for (event = events; FAN_EVENT_OK(event, size);
		     event = FAN_EVENT_NEXT(event, size)) {
			error = answer(engine, event);
			if (error && !first)
				first = error;
		}
	}
	return first;
}
