/* SPDX-License-Identifier: BSD-2-Clause */
#include "story.h"

#include <string.h>
#include <sys/stat.h>

struct mf_r_session story_session(void)
{
	return (struct mf_r_session){
		.head = { MF_ABI_VERSION, MF_R_SESSION },
		.session = STORY_SESSION,
		.started_ns = STORY_STARTED,
		.started_mono_ns = STORY_MONO,
		.root_start_ns = STORY_ROOT_START,
		.root_pid = STORY_ROOT_PID,
		.relay_pid = 99,
		.uid = 1000,
		.engine = MF_ENGINE_TRACE,
		.coverage = MF_COV_LINEAGE | MF_COV_FILES | MF_COV_CHANGES | MF_COV_NET |
			    MF_COV_TCP | MF_COV_CGROUP,
		.name = "crm",
		.tenant = "acme",
		.cwd = "/srv/app",
	};
}

static void entry(struct story_packet *packet, uint16_t kind, uint64_t ordinal, uint64_t stamp,
		  const void *body, size_t size)
{
	struct mf_journal_entry head = { .kind = kind,
					 .version = MF_ABI_VERSION,
					 .t_ns = STORY_MONO + MF_STAMP_EPOCH(stamp) * 1000000,
					 .ordinal = ordinal,
					 .stamp = stamp };

	memset(packet->bytes, 0, sizeof(head) + size);
	memcpy(packet->bytes, &head, sizeof(head));
	memcpy(packet->bytes + sizeof(head), body, size);
	packet->size = (uint32_t)(sizeof(head) + size);
}

static void text(struct story_packet *packet, const char *bytes)
{
	size_t size = strlen(bytes);

	memcpy(packet->bytes + packet->size, bytes, size);
	packet->size += (uint32_t)size;
}

static void seal(struct story_packet *packet)
{
	struct mf_journal_entry *head = (void *)packet->bytes;

	while (packet->size % 8)
		packet->bytes[packet->size++] = '\0';
	head->size = packet->size;
}

void story_begin(struct story_packet *packet, uint64_t ordinal, uint64_t stamp, const char *id,
		 const char *tool, const char *args)
{
	struct mf_j_begin begin = { .method = MF_M_TOOLS_CALL,
				    .args_total = strlen(args),
				    .id_len = (uint16_t)strlen(id),
				    .tool_len = (uint32_t)strlen(tool),
				    .args_len = (uint32_t)strlen(args) };

	entry(packet, MF_J_BEGIN, ordinal, stamp, &begin, sizeof(begin));
	text(packet, id);
	text(packet, tool);
	text(packet, args);
	seal(packet);
}

void story_end(struct story_packet *packet, uint64_t ordinal, uint64_t stamp, enum mf_end how,
	       const char *reply)
{
	struct mf_j_end end = { .end = (uint16_t)how,
				.outcome = how == MF_END_RESPONSE ? MF_OUT_RESULT : MF_OUT_NONE,
				.text_len = (uint32_t)strlen(reply),
				.reply_total = strlen(reply) };

	entry(packet, MF_J_END, ordinal, stamp, &end, sizeof(end));
	text(packet, reply);
	seal(packet);
}

void story_tool(struct story_packet *packet, const char *name, uint8_t read_only,
		uint8_t destructive, uint8_t open_world)
{
	struct mf_j_tool tool = { .read_only = read_only,
				  .destructive = destructive,
				  .open_world = open_world,
				  .name_len = (uint32_t)strlen(name) };

	entry(packet, MF_J_TOOL, 0, 0, &tool, sizeof(tool));
	text(packet, name);
	seal(packet);
}

void story_exit(struct story_packet *packet, uint32_t status)
{
	struct mf_j_exit exit = { .status = status };

	entry(packet, MF_J_EXIT, 0, 0, &exit, sizeof(exit));
	seal(packet);
}

static void event_head(struct story_event *event, uint16_t kind, uint64_t stamp, const void *body,
		       size_t size)
{
	event->head = (struct mf_event){ .version = MF_ABI_VERSION,
					 .kind = kind,
					 .size = (uint32_t)(sizeof(event->head) + size),
					 .t_ns = STORY_MONO + MF_STAMP_EPOCH(stamp) * 1000000 + 500,
					 .session = STORY_SESSION,
					 .stamp = stamp,
					 .stamp_lo = stamp,
					 .start_ns = STORY_ROOT_START,
					 .pid = STORY_ROOT_PID,
					 .tid = STORY_ROOT_PID,
					 .uid = 1000,
					 .comm = "node" };
	memcpy(event->body, body, size);
}

static void event_text(struct story_event *event, const char *bytes, size_t size)
{
	memcpy((char *)event + event->head.size, bytes, size);
	event->head.size += (uint32_t)size;
}

void story_open(struct story_event *event, uint64_t stamp, const char *path, uint32_t flags)
{
	struct mf_ev_file file = { .open_flags = flags,
				   .how = MF_OPEN_FLAGS_KNOWN,
				   .mode = S_IFREG | 0644,
				   .path_len = (uint16_t)strlen(path) };

	event_head(event, MF_EV_OPEN, stamp, &file, sizeof(file));
	event_text(event, path, strlen(path));
}

void story_change(struct story_event *event, uint16_t kind, uint64_t stamp, const char *path)
{
	struct mf_ev_change change = { .path_len = (uint16_t)strlen(path) };

	event_head(event, kind, stamp, &change, sizeof(change));
	event_text(event, path, strlen(path));
}

void story_connect(struct story_event *event, uint64_t stamp, const uint8_t ip[4], uint16_t port)
{
	struct mf_ev_net net = { .port = port, .family = 4, .type = 1, .proto = 6 };

	memcpy(net.addr, ip, 4);
	event_head(event, MF_EV_CONNECT, stamp, &net, sizeof(net));
}

void story_send_on(struct story_event *event, uint64_t stamp, const uint8_t ip[4], uint64_t opened,
		   uint32_t opener_pid)
{
	struct mf_ev_send_on send = { .net = { .port = 443, .family = 4, .type = 1, .proto = 6 },
				      .opened_ns = opener_pid ? STORY_MONO : 0,
				      .opened_stamp = opened,
				      .opener_start_ns = opener_pid ? STORY_ROOT_START : 0,
				      .opener_pid = opener_pid };

	memcpy(send.net.addr, ip, 4);
	event_head(event, MF_EV_SEND_ON, stamp, &send, sizeof(send));
}

void story_fork(struct story_event *event, uint64_t stamp, uint32_t child_pid, uint64_t child_birth)
{
	struct mf_ev_fork fork = { .child_start_ns = STORY_ROOT_START + child_pid,
				   .child_birth = child_birth,
				   .child_pid = child_pid };

	event_head(event, MF_EV_FORK, stamp, &fork, sizeof(fork));
}

void story_exec(struct story_event *event, uint64_t stamp, const char *exe, const char *argv,
		uint16_t argv_size)
{
	struct mf_ev_exec exec = { .argv_total = argv_size,
				   .argv_len = argv_size,
				   .exe_len = (uint16_t)strlen(exe),
				   .ppid = STORY_ROOT_PID };

	event_head(event, MF_EV_EXEC, stamp, &exec, sizeof(exec));
	event_text(event, exe, strlen(exe));
	event_text(event, argv, argv_size);
}

void story_exit_event(struct story_event *event, uint64_t stamp, uint32_t code)
{
	struct mf_ev_exit exit = { .code = code };

	event_head(event, MF_EV_EXIT, stamp, &exit, sizeof(exit));
}

void story_by(struct story_event *event, uint32_t pid, uint64_t birth)
{
	event->head.pid = event->head.tid = pid;
	event->head.start_ns = STORY_ROOT_START + pid;
	event->head.birth = birth;
}
