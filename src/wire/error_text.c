#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "pentad/wire.h"

/* What follows the place, if the error has figures. */
static void print_figures(char *out, size_t cap, const struct ptd_wire_error *e)
{
    if (e->err == PTD_ETOOBIG)
        snprintf(out, cap, "%" PRIu64 " above its limit %" PRIu64, e->got,
                 e->limit);
    else if (e->err == PTD_ESHORT)
        snprintf(out, cap,
                 "cut off: %" PRIu64 " bytes wanted, %" PRIu64 " left", e->got,
                 e->limit);
    else if (e->err == PTD_ENONCANON)
        snprintf(out, cap,
                 "compact size %" PRIu64 " is not in its shortest form",
                 e->got);
    else if (e->err == PTD_EBADVALUE && e->limit != 0)
        snprintf(out, cap,
                 "has the value %" PRIu64 ", not allowed (limit %" PRIu64 ")",
                 e->got, e->limit);
    else if (e->err == PTD_EBADVALUE)
        snprintf(out, cap, "has the value %" PRIu64 ", not allowed", e->got);
    else if (e->err == PTD_ETRAILING)
        snprintf(out, cap, "%" PRIu64 " bytes left over behind the message",
                 e->got);
    else if (e->err == PTD_EVERSION)
        snprintf(out, cap,
                 "not part of protocol version %" PRIu64 " (from %" PRIu64
                 " on)",
                 e->got, e->limit);
    else
        snprintf(out, cap, "%s", ptd_err_text(e->err));
}

const char *ptd_wire_error_text(const struct ptd_wire_error *e, char *out,
                                size_t cap)
{
    const char *command = e->command != NULL ? e->command : "";
    const char *field = e->field != NULL ? e->field : "";
    char figures[128];

    print_figures(figures, sizeof figures, e);
    if (cap > 0)
        snprintf(out, cap, "%s%s%s%s%s", command,
                 command[0] != '\0' ? ": " : "", field,
                 field[0] != '\0' ? " " : "", figures);
    return out;
}
