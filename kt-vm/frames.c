/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames between kt-vm and kt-init. */
#include "frames.h"

#include <errno.h>
#include <string.h>

void put_u32(uint8_t *p, uint32_t v)
{
	int i;

	for (i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

void put_u64(uint8_t *p, uint64_t v)
{
	put_u32(p, (uint32_t)v);
	put_u32(p + 4, (uint32_t)(v >> 32));
}

uint32_t get_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t get_u64(const uint8_t *p)
{
	return get_u32(p) | (uint64_t)get_u32(p + 4) << 32;
}

size_t frame_make(uint8_t *buf, enum frame_type type, const void *payload, uint32_t len)
{
	buf[0] = (uint8_t)type;
	put_u32(buf + 1, len);
	if (len > 0)
		memcpy(buf + FRAME_HEAD, payload, len);
	return FRAME_HEAD + len;
}

/* Payload bytes of a type; -1: there is no such type. */
static int frame_len(uint8_t type)
{
	switch (type) {
	case FRAME_BYE:
	case FRAME_PARK:
		return 0;
	case FRAME_SIGNAL:
		return 4;
	case FRAME_HELLO:
	case FRAME_STDIN_EOF:
	case FRAME_TICK:
	case FRAME_STARTED:
	case FRAME_WINSIZE:
		return 8;
	case FRAME_READY:
		return 16;
	case FRAME_EXIT:
		return 32;
	case FRAME_RELEASE:
		return FRAME_MAX;
	default:
		return -1;
	}
}

int frame_take(struct buf *b, struct frame *ret)
{
	const uint8_t *p = (const uint8_t *)b->p;
	int want;

	if (b->len == 0)
		return 0;
	want = frame_len(p[0]);
	if (want < 0)
		return -EPROTO;
	if (b->len < FRAME_HEAD)
		return 0;
	if (get_u32(p + 1) != (uint32_t)want)
		return -EPROTO;
	if (b->len < FRAME_HEAD + (size_t)want)
		return 0;
	ret->type = p[0];
	ret->len = (uint32_t)want;
	memcpy(ret->data, p + FRAME_HEAD, (size_t)want);
	buf_drop(b, FRAME_HEAD + (size_t)want);
	return 1;
}
