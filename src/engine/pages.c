/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/pages.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "abi/page.h"
#include "base/cleanup.h"
#include "bpf/shared.h"

static int make_page(int *ret_fd)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "mf_page", sizeof(uint32_t), MF_PAGE_SIZE, 1,
				&opts);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int put(int table_fd, uint64_t id, int page_fd)
{
	return bpf_map_update_elem(table_fd, &id, &page_fd, BPF_NOEXIST) ? -errno : 0;
}

static int put_expected(void *data)
{
	struct pages *pages = data;

	pages->expected_err = put(pages->table_fd, pages->expected, pages->expected_fd);
	return 0;
}

static int delete_gone(void *data)
{
	const struct pages *pages = data;

	return bpf_map_delete_elem(pages->table_fd, &pages->gone) ? -errno : 0;
}

int pages_open(struct pages *pages, uint64_t expected)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	_cleanup_fd_ int like = -1;
	int err = make_page(&like);

	if (err)
		return err;
	opts.inner_map_fd = (uint32_t)like;
	pages->table_fd = bpf_map_create(BPF_MAP_TYPE_HASH_OF_MAPS, "pages", sizeof(uint64_t),
					 sizeof(uint32_t), MF_PAGES_MAX, &opts);
	if (pages->table_fd < 0)
		return -errno;
	pages_expect(pages, expected);
	return 0;
}

void pages_close(struct pages *pages)
{
	aside_wait(&pages->change);
	pages->expected_fd = close_fd(pages->expected_fd);
	pages->table_fd = close_fd(pages->table_fd);
}

void pages_expect(struct pages *pages, uint64_t id)
{
	if (!id)
		return;
	aside_wait(&pages->change); /* it reads `pages` too */
	if (pages->expected) { /* it never came */
		pages->expected_fd = close_fd(pages->expected_fd);
		pages_drop(pages, pages->expected);
		aside_wait(&pages->change);
		pages->expected = 0;
	}
	if (make_page(&pages->expected_fd))
		return;
	pages->expected = id;
	aside_start(&pages->change, put_expected, pages);
}

int pages_take(struct pages *pages, uint64_t id, int *ret_fd)
{
	_cleanup_fd_ int fd = -1;
	int err;

	if (pages->expected && id == pages->expected) {
		if (pages->change.job == put_expected)
			aside_wait(&pages->change);
		fd = take_fd(&pages->expected_fd);
		pages->expected = 0;
		if (!pages->expected_err) {
			*ret_fd = take_fd(&fd);
			return 0;
		}
		fd = close_fd(fd); /* what was in the way then may be gone */
	}
	err = make_page(&fd);
	if (!err)
		err = put(pages->table_fd, id, fd);
	if (err)
		return err;
	*ret_fd = take_fd(&fd);
	return 0;
}

void pages_drop(struct pages *pages, uint64_t id)
{
	aside_wait(&pages->change);
	pages->gone = id;
	aside_start(&pages->change, delete_gone, pages);
}
