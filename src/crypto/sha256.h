/* sha256.h - SHA-256 and double SHA-256.
 *
 * By OpenSSL's plain functions where they are there. Else one digest is fetched
 * from it once a process, and each thread keeps one context until it ends: a
 * fetch or a context per hash costs more than the hash of a small message.
 *
 * Threads  any; a struct ptd_sha256d belongs to one thread at a time
 * Errors   hashing itself cannot fail. Without the plain functions the first
 *          hash of a thread needs a few hundred bytes of memory, and aborts
 *          without them. Whoever wants to refuse cleanly calls
 *          ptd_crypto_thread_init() first.
 */
#ifndef PTD_CRYPTO_SHA256_H
#define PTD_CRYPTO_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"

/* Make sure that the calling thread can hash.
 *
 * Returns  PTD_OK; PTD_ENOMEM; PTD_ECRYPTO: OpenSSL has no SHA-256
 */
PTD_MUST_USE enum ptd_err ptd_crypto_thread_init(void);

void ptd_sha256(uint8_t out[32], const void *data, size_t n) PTD_NONNULL(1);

/* SHA-256 of the SHA-256. out may lie inside data. */
void ptd_sha256d(uint8_t out[32], const void *data, size_t n) PTD_NONNULL(1);

/* One of several stretches of memory that are hashed as if they were one. */
struct ptd_piece {
    const void *data;
    size_t n; /* bytes */
};

void ptd_sha256d_pieces(uint8_t out[32], const struct ptd_piece *pieces,
                        size_t n_pieces) PTD_NONNULL(1);

/* Double SHA-256 of bytes that come little by little. */
struct ptd_sha256d {
    void *ctx; /* NULL after fini */
};

/* Returns  PTD_OK; PTD_ENOMEM; PTD_ECRYPTO */
PTD_MUST_USE enum ptd_err ptd_sha256d_init(struct ptd_sha256d *s)
    PTD_NONNULL(1);
void ptd_sha256d_update(struct ptd_sha256d *s, const void *data, size_t n)
    PTD_NONNULL(1);

/* Give the hash of what came since init, reset or final; the next update
 * begins anew. */
void ptd_sha256d_final(struct ptd_sha256d *s, uint8_t out[32])
    PTD_NONNULL(1, 2);

/* Forget what came. */
void ptd_sha256d_reset(struct ptd_sha256d *s) PTD_NONNULL(1);

/* Harmless after a failed init, on zeros, and twice. */
void ptd_sha256d_fini(struct ptd_sha256d *s) PTD_NONNULL(1);

#endif /* PTD_CRYPTO_SHA256_H */
