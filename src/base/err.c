#include <config.h>

#include "pentad/err.h"

const char *ptd_err_text(enum ptd_err e)
{
    static const char *const text[] = {
#define X(name, text) text,
        PTD_ERRORS(X)
#undef X
    };

    return (unsigned)e < PTD_N_ERRORS ? text[e] : "unknown error";
}

const char *ptd_err_name(enum ptd_err e)
{
    static const char *const name[] = {
#define X(name, text) #name,
        PTD_ERRORS(X)
#undef X
    };

    return (unsigned)e < PTD_N_ERRORS ? name[e] : "PTD_E?";
}
