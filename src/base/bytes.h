/* bytes.h - integers from and to bytes, without regard to alignment. */
#ifndef PTD_BASE_BYTES_H
#define PTD_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define PTD_LE16(x) __builtin_bswap16(x)
#define PTD_LE32(x) __builtin_bswap32(x)
#define PTD_LE64(x) __builtin_bswap64(x)
#define PTD_BE16(x) (x)
#define PTD_BE32(x) (x)
#else
#define PTD_LE16(x) (x)
#define PTD_LE32(x) (x)
#define PTD_LE64(x) (x)
#define PTD_BE16(x) __builtin_bswap16(x)
#define PTD_BE32(x) __builtin_bswap32(x)
#endif

static inline uint16_t ptd_get_le16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return PTD_LE16(v);
}

static inline uint32_t ptd_get_le32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return PTD_LE32(v);
}

static inline uint64_t ptd_get_le64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return PTD_LE64(v);
}

static inline uint16_t ptd_get_be16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return PTD_BE16(v);
}

static inline uint32_t ptd_get_be32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return PTD_BE32(v);
}

static inline void ptd_put_le16(void *p, uint16_t v)
{
    v = PTD_LE16(v);
    memcpy(p, &v, sizeof v);
}

static inline void ptd_put_le32(void *p, uint32_t v)
{
    v = PTD_LE32(v);
    memcpy(p, &v, sizeof v);
}

static inline void ptd_put_le64(void *p, uint64_t v)
{
    v = PTD_LE64(v);
    memcpy(p, &v, sizeof v);
}

static inline void ptd_put_be16(void *p, uint16_t v)
{
    v = PTD_BE16(v);
    memcpy(p, &v, sizeof v);
}

static inline void ptd_put_be32(void *p, uint32_t v)
{
    v = PTD_BE32(v);
    memcpy(p, &v, sizeof v);
}

#endif /* PTD_BASE_BYTES_H */
