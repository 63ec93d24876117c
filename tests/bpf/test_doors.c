/* SPDX-License-Identifier: BSD-2-Clause */
/* Doors that a policy without a line for them keeps shut: each call fails with EPERM, and is told. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "scene.h"

#include "policies.h"

/* The scene itself takes the page's descriptor from outside, by pidfd_getfd(). */
#define TEXT "version 1\nbase\n  read /\n  exec /usr\n  allow ptrace\n"
#define PLAIN "/etc/passwd" /* may be read and no more */

static char plain[] =
	"/tmp/mcpfloor-doors-XXXXXX"; /* where this can be written to but for the policy */
static struct made made;
static struct engine_policy policy = { .tables = &made.policy, .mode = MF_POL_ENFORCE };

static int setup(void **state)
{
	struct scene *scene;

	int fd = mkstemp(plain);

	make(TEXT, &made);
	if (fd < 0 || close(fd) || scene_setup(state))
		return -1;
	scene = *state;
	engine_close(scene->engine); /* the group's engine has no policies */
	scene->engine = NULL;
	scene->policy = &policy;
	scene_open(scene);
	return 0;
}

static int teardown(void **state)
{
	int r = scene_teardown(state);

	made_free(&made);
	unlink(plain);
	return r;
}

/* The status of a body: 0 where the call was refused */
static int refused(long result)
{
	return result == -1 && errno == EPERM ? 0 : 1;
}

/* `body` is refused, and the first event of this kind says so. */
static const struct mf_ev_act *check_shut(struct scene *scene, int (*body)(struct notes *notes),
					  uint16_t kind)
{
	struct mf_event *event;

	need_engine(MF_ENGINE_LSM);
	scene_play(scene, body);
	assert_int_equal(scene->status, 0);
	event = scene_event(scene, kind, 0, 0);
	assert_non_null(event);
	assert_int_equal(event->decision.flags, MF_DECIDED | MF_DECIDED_REFUSED);
	assert_int_equal(event->decision.verdict, MF_DENY);
	return body_of(event);
}

static int body_umount(struct notes *notes)
{
	scene_act(notes);
	return refused(umount2("/dev", MNT_DETACH));
}

/* programs: sb_umount */
static void e23_no_mount_is_taken_away(void **state)
{
	const struct mf_ev_act *act = check_shut(*state, body_umount, MF_EV_UMOUNT);

	assert_int_equal(act->number, MNT_DETACH);
	assert_string_equal(text_at(act + 1, act->path_len), "/dev");
}

static int body_module(struct notes *notes)
{
	char image[512] = "\177ELF";

	scene_act(notes);
	return refused(syscall(SYS_init_module, image, sizeof(image), ""));
}

/* programs: kernel_load_data */
static void e34_no_module_is_loaded_from_memory(void **state)
{
	check_shut(*state, body_module, MF_EV_KERNEL_READ);
}

static int body_key(struct notes *notes)
{
	scene_act(notes);
	return refused(
		syscall(SYS_add_key, "user", "mcpfloor:door", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

/* programs: key_alloc */
static void e34_no_key_is_made(void **state)
{
	assert_int_equal(check_shut(*state, body_key, MF_EV_KEYS)->number, 0);
}

static int body_keyring(struct notes *notes)
{
	char text[64];

	scene_act(notes);
	return syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_USER_KEYRING, text, sizeof(text)) == -1
		       ? 0
		       : 1;
}

/* programs: key_permission */
static void e34_no_keyring_is_read(void **state)
{
	check_shut(*state, body_keyring, MF_EV_KEYS);
}

static int body_userfaultfd(struct notes *notes)
{
	scene_act(notes);
	return refused(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
}

/* programs: inode_init_security_anon */
static void e34_no_page_faults_are_handled(void **state)
{
	check_shut(*state, body_userfaultfd, MF_EV_USERFAULTFD);
}

static int body_ring(struct notes *notes)
{
	struct io_uring_params params = {};

	scene_act(notes);
	return refused(syscall(SYS_io_uring_setup, 4, &params));
}

/* programs: inode_init_security_anon */
static void e01_no_ring_is_made(void **state)
{
	assert_int_equal(check_shut(*state, body_ring, MF_EV_URING)->number, MF_URING_RING);
}

static int body_flags(struct notes *notes)
{
	int fd = open(PLAIN, O_RDONLY), flags = FS_NODUMP_FL;

	scene_act(notes);
	return refused(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

/* programs: file_ioctl */
static void e20_no_flags_are_set(void **state)
{
	check_shut(*state, body_flags, MF_EV_ATTRIB);
}

static int body_compat(struct notes *notes)
{
	int fd = open(PLAIN, O_RDONLY);
	long result = -1;

	scene_act(notes);
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(54 /* ioctl */), "b"(fd), "c"(FS_IOC32_SETFLAGS), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return result == -EPERM ? 0 : 1;
}

/* programs: file_ioctl_compat */
static void e03_no_flags_are_set_by_32_bit_calls(void **state)
{
	check_shut(*state, body_compat, MF_EV_ATTRIB);
}

static int body_route(struct notes *notes)
{
	unsigned char route[8] = { 131, 7, 4, 127, 0, 0, 2, 0 }; /* LSRR */
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	scene_act(notes);
	return refused(setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)));
}

/* programs: socket_setsockopt */
static void e08_no_route_is_set_for_a_socket(void **state)
{
	assert_int_equal(check_shut(*state, body_route, MF_EV_SOURCE_ROUTE)->value, IP_OPTIONS);
}

static int body_message(struct notes *notes)
{
	char control[CMSG_SPACE(8)] = {}, byte = 'x';
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_name = &to,
			      .msg_namelen = sizeof(to),
			      .msg_iov = &data,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	head->cmsg_level = IPPROTO_IP;
	head->cmsg_type = IP_RETOPTS;
	head->cmsg_len = CMSG_LEN(8);
	scene_act(notes);
	return refused(sendmsg(socket(AF_INET, SOCK_DGRAM, 0), &msg, 0));
}

/* programs: socket_sendmsg_control */
static void e08_no_route_comes_with_a_message(void **state)
{
	assert_int_equal(check_shut(*state, body_message, MF_EV_SOURCE_ROUTE)->value, IP_RETOPTS);
}

/* A pipe whose reader is the test itself, which is of no session */
static int body_owner(struct notes *notes)
{
	int ends[2], pid = getppid();

	if (pipe(ends) || fcntl(ends[0], F_SETOWN, pid) || fcntl(ends[0], F_SETSIG, SIGCONT) ||
	    fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK))
		return 2;
	scene_act(notes);
	return write(ends[1], "x", 1) != 1;
}

/* programs: file_send_sigiotask */
static void e32_no_signal_comes_of_a_pipe(void **state)
{
	assert_int_equal(check_shut(*state, body_owner, MF_EV_KILL)->target_pid, getpid());
}

static int body_mprotect(struct notes *notes)
{
	int fd = open(PLAIN, O_RDONLY);
	void *at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	scene_act(notes);
	return refused(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

/* programs: file_mprotect */
static void e15_what_is_mapped_does_not_become_code(void **state)
{
	const struct mf_ev_act *act = check_shut(*state, body_mprotect, MF_EV_MAP_EXEC);

	assert_string_equal(text_at(act + 1, act->path_len), PLAIN);
}

static int body_implied(struct notes *notes)
{
	int fd = open(PLAIN, O_RDONLY);

	scene_act(notes);
	personality(READ_IMPLIES_EXEC);
	return refused(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
}

static void e15_what_is_mapped_to_be_read_does_not_become_code(void **state)
{
	check_shut(*state, body_implied, MF_EV_MAP_EXEC);
}

static int body_times(struct notes *notes)
{
	scene_act(notes);
	return refused(utimensat(AT_FDCWD, plain, NULL, 0));
}

/* programs: vfs_utimes, inode_setattr */
static void e20_no_times_are_set(void **state)
{
	check_shut(*state, body_times, MF_EV_ATTRIB);
}

static int body_device(struct notes *notes)
{
	scene_act(notes);
	return refused(mknod("/tmp/mcpfloor-device", S_IFCHR | 0600, makedev(1, 1)));
}

/* programs: inode_mknod */
static void e24_no_node_of_a_device_is_made(void **state)
{
	assert_int_equal(check_shut(*state, body_device, MF_EV_DEVICE)->value >> 20, 1);
}

static int body_elsewhere(struct notes *notes)
{
	scene_act(notes);
	return refused(syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, NULL, NULL, NULL, NULL));
}

/* programs: task_alloc_elsewhere */
static void e23_no_child_is_born_in_other_namespaces(void **state)
{
	assert_true(check_shut(*state, body_elsewhere, MF_EV_NAMESPACES)->value & CLONE_NEWNET);
}

static int body_abstract(struct notes *notes)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "\0door" };

	scene_act(notes);
	return refused(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&at,
			    offsetof(struct sockaddr_un, sun_path) + 5));
}

/* programs: socket_bind */
static void e10_no_abstract_name_is_taken(void **state)
{
	const struct mf_ev_act *act = check_shut(*state, body_abstract, MF_EV_UNIX_BIND);

	assert_string_equal(text_at(act + 1, act->name_len), "door");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e23_no_mount_is_taken_away),
		cmocka_unit_test(e34_no_module_is_loaded_from_memory),
		cmocka_unit_test(e34_no_key_is_made),
		cmocka_unit_test(e34_no_keyring_is_read),
		cmocka_unit_test(e34_no_page_faults_are_handled),
		cmocka_unit_test(e01_no_ring_is_made),
		cmocka_unit_test(e20_no_flags_are_set),
		cmocka_unit_test(e03_no_flags_are_set_by_32_bit_calls),
		cmocka_unit_test(e08_no_route_is_set_for_a_socket),
		cmocka_unit_test(e08_no_route_comes_with_a_message),
		cmocka_unit_test(e32_no_signal_comes_of_a_pipe),
		cmocka_unit_test(e15_what_is_mapped_does_not_become_code),
		cmocka_unit_test(e15_what_is_mapped_to_be_read_does_not_become_code),
		cmocka_unit_test(e20_no_times_are_set),
		cmocka_unit_test(e24_no_node_of_a_device_is_made),
		cmocka_unit_test(e23_no_child_is_born_in_other_namespaces),
		cmocka_unit_test(e10_no_abstract_name_is_taken),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
