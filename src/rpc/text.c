#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "rpc/json.h"
#include "rpc/json_int.h"

/* Room for n more bytes and a NUL. */
static bool reserve(struct ptd_text *t, size_t n)
{
    size_t need;
    char *v;

    if (t->failed)
        return false;
    if (ptd_add_overflow(t->n, n, &need) || ptd_add_overflow(need, 1, &need))
        goto fail;
    if (need <= t->cap)
        return true;
    if ((v = ptd_array_grow(t->v, &t->cap, PTD_MAX(need, (size_t)64), 1)) ==
        NULL)
        goto fail;
    t->v = v;
    return true;

fail:
    ptd_text_fini(t);
    t->failed = true;
    return false;
}

void ptd_text_add(struct ptd_text *t, const char *s, size_t n)
{
    if (!reserve(t, n))
        return;
    memcpy(t->v + t->n, s, n);
    t->n += n;
    t->v[t->n] = '\0';
}

void ptd_text_puts(struct ptd_text *t, const char *s)
{
    ptd_text_add(t, s, strlen(s));
}

void ptd_text_fill(struct ptd_text *t, char c, size_t n)
{
    if (!reserve(t, n))
        return;
    memset(t->v + t->n, c, n);
    t->n += n;
    t->v[t->n] = '\0';
}

void ptd_text_printf(struct ptd_text *t, const char *format, ...)
{
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    PTD_ASSERT(n >= 0);
    if (!reserve(t, (size_t)n))
        return;
    va_start(ap, format);
    vsnprintf(t->v + t->n, (size_t)n + 1, format, ap);
    va_end(ap);
    t->n += (size_t)n;
}

void ptd_text_fini(struct ptd_text *t)
{
    ptd_free(t->v);
    *t = (struct ptd_text){ 0 };
}

char *ptd_text_take(struct ptd_text *t)
{
    char *v;

    ptd_text_add(t, "", 0);
    v = t->v;
    *t = (struct ptd_text){ .failed = t->failed };
    return v;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t ptd_utf8_length(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    unsigned char low = 0x80, high = 0xbf;
    size_t len;

    if (u[0] < 0x80)
        return 1;
    if (u[0] < 0xc2 || u[0] > 0xf4)
        return 0;
    len = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    if (n < len)
        return 0;
    if (u[0] == 0xe0)
        low = 0xa0;
    else if (u[0] == 0xed)
        high = 0x9f;
    else if (u[0] == 0xf0)
        low = 0x90;
    else if (u[0] == 0xf4)
        high = 0x8f;
    if (u[1] < low || u[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (u[i] < 0x80 || u[i] > 0xbf)
            return 0;
    return len;
}

bool ptd_utf8_is_valid(const char *s, size_t n)
{
    for (size_t i = 0, len; i < n; i += len)
        if ((len = ptd_utf8_length(s + i, n - i)) == 0)
            return false;
    return true;
}
