/* codec_int.h - what encoded.c needs of codec.c. */
#ifndef PTD_WIRE_CODEC_INT_H
#define PTD_WIRE_CODEC_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "pentad/wire.h"

/* The key of the layout that cx asks for; 0 where there is only one. */
uint32_t ptd_codec_layout(enum ptd_msg_type type, const struct ptd_codec *cx);

/* True if the bytes that m was decoded from are its encoding in this layout,
 * and lie in a buffer of its own (priv->buf). */
bool ptd_msg_is_as_received(const struct ptd_msg *m, uint32_t layout);

#endif /* PTD_WIRE_CODEC_INT_H */
