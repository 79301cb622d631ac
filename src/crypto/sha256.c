#include <config.h>

#include "crypto/sha256.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/util.h"

/* The exceptions to "no mutable file-scope state": OpenSSL's fetched digest is
 * the same for all, and what a thread keeps has to be found from the thread.
 * Both are set once and never change. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256_md;     /* NULL: OpenSSL has none */
static pthread_key_t ctx_key; /* frees a thread's context at its end */
static _Thread_local EVP_MD_CTX *thread_ctx; /* owned by the thread's key */

static void free_ctx(void *ctx)
{
    thread_ctx = NULL; /* a later destructor may hash again */
    EVP_MD_CTX_free(ctx);
}

static void init_once(void)
{
    if (pthread_key_create(&ctx_key, free_ctx) == 0)
        sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* A context that was told its digest once and starts over without look-ups. */
static enum ptd_err new_ctx(EVP_MD_CTX **out)
{
    EVP_MD_CTX *ctx;

    PTD_ASSERT(pthread_once(&once, init_once) == 0);
    if (sha256_md == NULL)
        return PTD_ECRYPTO;
    ctx = EVP_MD_CTX_new();
    if (ctx == NULL)
        return PTD_ENOMEM;
    if (!EVP_DigestInit_ex2(ctx, sha256_md, NULL)) {
        EVP_MD_CTX_free(ctx);
        return PTD_ENOMEM; /* it allocates the digest's state here */
    }
    *out = ctx;
    return PTD_OK;
}

enum ptd_err ptd_crypto_thread_init(void)
{
    EVP_MD_CTX *ctx;
    enum ptd_err e;

    if (PTD_LIKELY(thread_ctx != NULL))
        return PTD_OK;
    e = new_ctx(&ctx);
    if (e != PTD_OK)
        return e;
    if (pthread_setspecific(ctx_key, ctx) != 0) {
        EVP_MD_CTX_free(ctx);
        return PTD_ENOMEM;
    }
    thread_ctx = ctx;
    return PTD_OK;
}

static EVP_MD_CTX *own_ctx(void)
{
    PTD_ASSERT(ptd_crypto_thread_init() == PTD_OK);
    return thread_ctx;
}

static void begin(EVP_MD_CTX *ctx)
{
    PTD_ASSERT(EVP_DigestInit_ex2(ctx, sha256_md, NULL));
}

static void add(EVP_MD_CTX *ctx, const void *data, size_t n)
{
    PTD_ASSERT(EVP_DigestUpdate(ctx, data, n));
}

static void end(EVP_MD_CTX *ctx, uint8_t out[32])
{
    PTD_ASSERT(EVP_DigestFinal_ex(ctx, out, NULL));
}

/* The second of the two hashes, over the first. */
static void end_double(EVP_MD_CTX *ctx, uint8_t out[32])
{
    uint8_t first[32];

    end(ctx, first);
    begin(ctx);
    add(ctx, first, sizeof first);
    end(ctx, out);
}

void ptd_sha256(uint8_t out[32], const void *data, size_t n)
{
    EVP_MD_CTX *ctx = own_ctx();

    begin(ctx);
    add(ctx, data, n);
    end(ctx, out);
}

void ptd_sha256d(uint8_t out[32], const void *data, size_t n)
{
    EVP_MD_CTX *ctx = own_ctx();

    begin(ctx);
    add(ctx, data, n);
    end_double(ctx, out);
}

void ptd_sha256d_pieces(uint8_t out[32], const struct ptd_piece *pieces,
                        size_t n_pieces)
{
    EVP_MD_CTX *ctx = own_ctx();

    begin(ctx);
    for (size_t i = 0; i < n_pieces; i++)
        add(ctx, pieces[i].data, pieces[i].n);
    end_double(ctx, out);
}

enum ptd_err ptd_sha256d_init(struct ptd_sha256d *s)
{
    EVP_MD_CTX *ctx = NULL;
    enum ptd_err e = new_ctx(&ctx);

    s->ctx = ctx;
    return e;
}

void ptd_sha256d_update(struct ptd_sha256d *s, const void *data, size_t n)
{
    add(s->ctx, data, n);
}

void ptd_sha256d_final(struct ptd_sha256d *s, uint8_t out[32])
{
    end_double(s->ctx, out);
    begin(s->ctx);
}

void ptd_sha256d_reset(struct ptd_sha256d *s)
{
    begin(s->ctx);
}

void ptd_sha256d_fini(struct ptd_sha256d *s)
{
    EVP_MD_CTX_free(s->ctx);
    s->ctx = NULL;
}
