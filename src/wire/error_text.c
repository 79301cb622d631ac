#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "pentad/wire.h"

/* "inv: list" or "inv"; what is missing leaves no trace. */
static void print_place(char *out, size_t cap, const struct ptd_wire_error *e)
{
    const char *command = e->command != NULL ? e->command : "";
    const char *field = e->field != NULL ? e->field : "";

    snprintf(out, cap, "%s%s%s%s", command, command[0] != '\0' ? ": " : "",
             field, field[0] != '\0' ? " " : "");
}

const char *ptd_wire_error_text(const struct ptd_wire_error *e, char *out,
                                size_t cap)
{
    char at[128];

    if (cap == 0)
        return out;
    print_place(at, sizeof at, e);
    if (e->err == PTD_ETOOBIG)
        snprintf(out, cap, "%s%" PRIu64 " above its limit %" PRIu64, at,
                 e->got, e->limit);
    else if (e->err == PTD_ESHORT)
        snprintf(out, cap,
                 "%smessage ends early: %" PRIu64 " bytes wanted, %" PRIu64
                 " left",
                 at, e->got, e->limit);
    else if (e->err == PTD_ENONCANON)
        snprintf(out, cap,
                 "%scompact size %" PRIu64 " is not in its shortest form", at,
                 e->got);
    else if (e->err == PTD_EBADVALUE && e->limit != 0)
        snprintf(out, cap,
                 "%shas the value %" PRIu64 ", not allowed (limit %" PRIu64 ")",
                 at, e->got, e->limit);
    else if (e->err == PTD_EBADVALUE)
        snprintf(out, cap, "%shas the value %" PRIu64 ", not allowed", at,
                 e->got);
    else if (e->err == PTD_ETRAILING)
        snprintf(out, cap, "%s%" PRIu64 " bytes left over behind the message",
                 at, e->got);
    else if (e->err == PTD_EVERSION)
        snprintf(out, cap,
                 "%snot part of protocol version %" PRIu64 " (from %" PRIu64
                 " on)",
                 at, e->got, e->limit);
    else
        snprintf(out, cap, "%s%s", at, ptd_err_text(e->err));
    return out;
}
