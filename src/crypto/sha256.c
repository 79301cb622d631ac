#include <config.h>

#include "crypto/sha256.h"

#ifdef HAVE_SHA256_INIT
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#else
#include <openssl/evp.h>
#include <pthread.h>
#endif

#include "base/alloc.h"
#include "base/util.h"

#ifdef HAVE_SHA256_INIT

/* OpenSSL's plain functions, where it has them. It calls them deprecated, for
 * they know nothing of providers; but a provider's call costs a third of what
 * the double hash of 64 bytes costs, and a block has two of these for each of
 * its transactions. */
#define CTX SHA256_CTX

/* What a thread is at; no hash outlasts a call. */
static _Thread_local SHA256_CTX thread_ctx;

enum ptd_err ptd_crypto_thread_init(void)
{
    return PTD_OK;
}

static CTX *own_ctx(void)
{
    return &thread_ctx;
}

static void begin(CTX *ctx)
{
    PTD_ASSERT(SHA256_Init(ctx));
}

static void add(CTX *ctx, const void *data, size_t n)
{
    PTD_ASSERT(SHA256_Update(ctx, data, n));
}

static void end(CTX *ctx, uint8_t out[32])
{
    PTD_ASSERT(SHA256_Final(out, ctx));
}

static enum ptd_err new_ctx(CTX **out)
{
    *out = ptd_alloc(sizeof **out);
    if (*out == NULL)
        return PTD_ENOMEM;
    begin(*out);
    return PTD_OK;
}

static void free_ctx(CTX *ctx)
{
    ptd_free(ctx);
}

#else

#define CTX EVP_MD_CTX

/* The exceptions to "no mutable file-scope state": OpenSSL's fetched digest is
 * the same for all, and what a thread keeps has to be found from the thread.
 * Both are set once and never change. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256_md;     /* NULL: OpenSSL has none */
static pthread_key_t ctx_key; /* frees a thread's context at its end */
static _Thread_local EVP_MD_CTX *thread_ctx; /* owned by the thread's key */

static void free_thread_ctx(void *ctx)
{
    thread_ctx = NULL; /* a later destructor may hash again */
    EVP_MD_CTX_free(ctx);
}

static void init_once(void)
{
    if (pthread_key_create(&ctx_key, free_thread_ctx) == 0)
        sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* A context that was told its digest once and starts over without look-ups. */
static enum ptd_err new_ctx(CTX **out)
{
    CTX *ctx;

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
    CTX *ctx;
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

static CTX *own_ctx(void)
{
    PTD_ASSERT(ptd_crypto_thread_init() == PTD_OK);
    return thread_ctx;
}

static void begin(CTX *ctx)
{
    PTD_ASSERT(EVP_DigestInit_ex2(ctx, sha256_md, NULL));
}

static void add(CTX *ctx, const void *data, size_t n)
{
    PTD_ASSERT(EVP_DigestUpdate(ctx, data, n));
}

static void end(CTX *ctx, uint8_t out[32])
{
    PTD_ASSERT(EVP_DigestFinal_ex(ctx, out, NULL));
}

static void free_ctx(CTX *ctx)
{
    EVP_MD_CTX_free(ctx);
}

#endif /* HAVE_SHA256_INIT */

/* The second of the two hashes, over the first. */
static void end_double(CTX *ctx, uint8_t out[32])
{
    uint8_t first[32];

    end(ctx, first);
    begin(ctx);
    add(ctx, first, sizeof first);
    end(ctx, out);
}

void ptd_sha256(uint8_t out[32], const void *data, size_t n)
{
    CTX *ctx = own_ctx();

    begin(ctx);
    add(ctx, data, n);
    end(ctx, out);
}

void ptd_sha256d(uint8_t out[32], const void *data, size_t n)
{
    CTX *ctx = own_ctx();

    begin(ctx);
    add(ctx, data, n);
    end_double(ctx, out);
}

void ptd_sha256d_pieces(uint8_t out[32], const struct ptd_piece *pieces,
                        size_t n_pieces)
{
    CTX *ctx = own_ctx();

    begin(ctx);
    for (size_t i = 0; i < n_pieces; i++)
        add(ctx, pieces[i].data, pieces[i].n);
    end_double(ctx, out);
}

enum ptd_err ptd_sha256d_init(struct ptd_sha256d *s)
{
    CTX *ctx = NULL;
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
    free_ctx(s->ctx);
    s->ctx = NULL;
}
