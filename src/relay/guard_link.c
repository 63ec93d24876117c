/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/guard_link.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ipc.h"
#include "guard/guard.h"

/* loading the engine for the first session is the longest of all: 2 s, or 30 where a processor is emulated and shared */
#define REPLY_WAIT_MS 60000

union reply {
	struct mf_control head;
	struct mf_c_hello_reply hello;
	struct mf_c_open_reply open;
	struct mf_c_end_reply end;
	struct mf_c_mode mode;
};

int guard_link_find(struct guard_link *link, const struct relay_options *options)
{
	struct guard_options guard = { .state_dir = options->state_dir,
				       .run_dir = options->run_dir,
				       .engine = options->engine,
				       .syn_by_kprobe = options->syn_by_kprobe };
	char path[108];
	int sock;

	*link = (struct guard_link){ .control = -1, .new_journal = -1 };
	if (snprintf(path, sizeof(path), "%s/control.sock", options->run_dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	sock = ipc_connect(path, SOCK_SEQPACKET);
	if (sock >= 0) {
		link->control = sock;
		return 0;
	}
	if (sock == -ETIMEDOUT)
		return sock;
	if (geteuid() != 0)
		return -ENOTCONN;
	return guard_start_private(&guard, &link->control);
}

void guard_link_close(struct guard_link *link)
{
	link->control = close_fd(link->control);
	link->new_journal = close_fd(link->new_journal);
}

static int lost(struct guard_link *link)
{
	link->control = close_fd(link->control);
	return -EPIPE;
}

/* One packet. A new journal is put aside; *ret_fds are those of anything else. */
static ssize_t receive(struct guard_link *link, union reply *reply, struct ipc_fds *ret_fds)
{
	_cleanup_ipc_fds_ struct ipc_fds fds = IPC_FDS_NONE;
	ssize_t got;

	memset(reply, 0, sizeof(*reply));
	got = ipc_recv(link->control, reply, sizeof(*reply), &fds);
	if (got < (ssize_t)sizeof(reply->head))
		return lost(link);
	if (reply->head.kind == MF_C_JOURNAL && fds.count == 1) {
		close_fd(link->new_journal);
		link->new_journal = take_fd(&fds.fd[0]);
	}
	if (reply->head.kind == MF_C_STATE)
		link->log_error = reply->head.error;
	if (reply->head.kind == MF_C_MODE && got == sizeof(reply->mode))
		link->mode = reply->mode.mode;
	if (reply->head.kind == MF_C_RELOAD)
		link->reload = true;
	if (ret_fds) {
		*ret_fds = fds;
		fds = IPC_FDS_NONE;
	}
	return got;
}

static int wait_readable(int fd, uint64_t until_ns)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	for (;;) {
		uint64_t now_ns = clock_mono_ns();
		int count;

		if (now_ns >= until_ns)
			return -ETIMEDOUT;
		count = poll(&ready, 1, (int)((until_ns - now_ns) / NS_PER_MS) + 1);
		if (count > 0)
			return 0;
		if (count < 0 && errno != EINTR)
			return -errno;
	}
}

/* Sends a request and waits for its reply. */
static int ask(struct guard_link *link, const void *request, size_t size, const struct ipc_fds *fds,
	       union reply *reply, size_t reply_size, struct ipc_fds *ret_fds)
{
	uint64_t until_ns = clock_mono_ns() + REPLY_WAIT_MS * NS_PER_MS;
	const struct mf_control *head = request;
	int err;

	if (link->control < 0)
		return -EPIPE;
	err = ipc_send(link->control, request, size, fds);
	if (err)
		return lost(link);
	for (;;) {
		_cleanup_ipc_fds_ struct ipc_fds got_fds = IPC_FDS_NONE;
		ssize_t got;

		err = wait_readable(link->control, until_ns);
		if (err)
			return err;
		got = receive(link, reply, &got_fds);
		if (got < 0)
			return (int)got;
		if (reply->head.kind != head->kind)
			continue;
		if (reply->head.error)
			return reply->head.error;
		if ((size_t)got != reply_size)
			return -EPROTO;
		if (ret_fds) {
			*ret_fds = got_fds;
			got_fds = IPC_FDS_NONE;
		}
		return 0;
	}
}

/* Its bytes in a file that nobody can change any more. A descriptor or -errno. */
static int sealed(const struct relay_policy *policy)
{
	_cleanup_fd_ int fd = memfd_create("mcpfloor-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t at = 0;

	if (fd < 0)
		return -errno;
	while (at < policy->size) {
		ssize_t put = write(fd, (const char *)policy->image + at, policy->size - at);

		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		at += (size_t)put;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	return take_fd(&fd);
}

static void name_copy(char *to, const char *from)
{
	snprintf(to, MF_NAME_LEN, "%s", from);
}

int guard_link_prepare(struct guard_link *link, enum mf_engine *ret_engine)
{
	struct mf_c_hello request = { .head = { .version = MF_ABI_VERSION, .kind = MF_C_PREPARE } };
	union reply reply;
	int err = ask(link, &request, sizeof(request), NULL, &reply, sizeof(reply.hello), NULL);

	if (err)
		return err;
	*ret_engine = reply.hello.engine;
	return 0;
}

static struct mf_c_policy policy_request(const struct relay_policy *policy, uint64_t generation)
{
	struct mf_c_policy request = { .head = { .version = MF_ABI_VERSION, .kind = MF_C_POLICY },
				       .mode = policy->mode,
				       .flags = policy->part ? MF_POLICY_PART : 0,
				       .generation = generation };

	name_copy(request.name, policy->name);
	return request;
}

int guard_link_policy(struct guard_link *link, const struct relay_policy *policy,
		      uint32_t *ret_detail)
{
	_cleanup_fd_ int fd = sealed(policy);
	struct ipc_fds with = { .fd = { fd, -1, -1, -1 }, .count = 1 };
	struct mf_c_policy request = policy_request(policy, 0);
	union reply reply;
	int err;

	*ret_detail = MF_D_NONE;
	if (fd < 0)
		return fd;
	err = ask(link, &request, sizeof(request), &with, &reply, sizeof(reply.head), NULL);
	*ret_detail = err ? reply.head.detail : MF_D_NONE;
	if (!err)
		link->mode = policy->mode;
	return err;
}

int guard_link_replace(struct guard_link *link, const struct relay_policy *policy,
		       uint64_t generation)
{
	_cleanup_fd_ int fd = sealed(policy);
	struct ipc_fds with = { .fd = { fd, -1, -1, -1 }, .count = 1 };
	struct mf_c_policy request = policy_request(policy, generation);

	if (fd < 0)
		return fd;
	link->policy_answered = false;
	/* the loop must not wait for the reply */
	return link->control < 0 ? -EPIPE
				 : ipc_send(link->control, &request, sizeof(request), &with);
}

int guard_link_policy_bad(struct guard_link *link)
{
	struct mf_c_hello said = { .head = { .version = MF_ABI_VERSION, .kind = MF_C_POLICY_BAD } };

	return link->control < 0 ? -EPIPE : ipc_send(link->control, &said, sizeof(said), NULL);
}

int guard_link_open(struct guard_link *link, const struct relay_options *options, const char *name,
		    const struct launch *launch, int *ret_page, int *ret_journal,
		    uint32_t *ret_detail)
{
	_cleanup_ipc_fds_ struct ipc_fds got = IPC_FDS_NONE;
	struct ipc_fds with = { .fd = { launch->pidfd, -1, -1, -1 }, .count = 1 };
	struct mf_c_open request = { .head = { .version = MF_ABI_VERSION, .kind = MF_C_OPEN },
				     .flags = launch->open_flags,
				     .child_pid = (uint32_t)launch->pid,
				     .floor = launch->floor };
	union reply reply;
	int err;

	if (options->digest_only)
		request.flags |= MF_OPEN_DIGEST_ONLY;
	name_copy(request.name, name);
	name_copy(request.tenant, options->tenant ? options->tenant : "");
	err = ask(link, &request, sizeof(request), &with, &reply, sizeof(reply.open), &got);
	*ret_detail = err ? reply.head.detail : MF_D_NONE;
	if (err)
		return err;
	if (got.count != 2)
		return -EPROTO;
	link->session = reply.open;
	*ret_page = take_fd(&got.fd[0]);
	*ret_journal = take_fd(&got.fd[1]);
	return 0;
}

int guard_link_end(struct guard_link *link, uint32_t status, uint32_t flags,
		   struct mf_c_end_reply *ret_reply)
{
	struct mf_c_end request = { .head = { .version = MF_ABI_VERSION, .kind = MF_C_END },
				    .status = status,
				    .flags = flags };
	union reply reply;
	int err = ask(link, &request, sizeof(request), NULL, &reply, sizeof(reply.end), NULL);

	if (err)
		return err;
	*ret_reply = reply.end;
	return 0;
}

int guard_link_kill(struct guard_link *link)
{
	struct mf_c_signal request = { .head = { .version = MF_ABI_VERSION, .kind = MF_C_SIGNAL },
				       .signo = 9 };

	if (link->control < 0)
		return -EPIPE;
	/* the reply is read by guard_link_read(): the loop must not wait for it */
	return ipc_send(link->control, &request, sizeof(request), NULL);
}

int guard_link_read(struct guard_link *link)
{
	union reply reply;
	ssize_t got = receive(link, &reply, NULL);

	if (got < 0)
		return (int)got;
	if (reply.head.kind == MF_C_POLICY) {
		link->policy_answered = true;
		link->policy_error = reply.head.error;
	}
	return 0;
}
