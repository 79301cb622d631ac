/* The help text of a method, in the layout of Bitcoin Core's: a summary line,
 * the description, arguments, results, examples. Lists have two columns; the
 * right one begins at one place for the whole list. */
#include <config.h>

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "rpc/call.h"

struct row {
    char *left;
    char *right; /* "" where there is none */
};

struct rows {
    struct row *v;
    size_t n;
    size_t cap;
    size_t widest; /* of the left ones */
    bool failed;
};

/* Takes what both hold, in every case. */
static void rows_add(struct rows *rows, struct ptd_text *left,
                     struct ptd_text *right)
{
    struct row *v = ptd_array_grow(rows->v, &rows->cap, rows->n + 1, sizeof *v);
    size_t width = left->n;
    struct row row = { ptd_text_take(left), ptd_text_take(right) };

    if (v != NULL)
        rows->v = v;
    if (v == NULL || row.left == NULL || row.right == NULL) {
        rows->failed = true;
        ptd_free(row.left);
        ptd_free(row.right);
        return;
    }
    rows->widest = PTD_MAX(rows->widest, width);
    v[rows->n++] = row;
}

static void rows_fini(struct rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        ptd_free(rows->v[i].left);
        ptd_free(rows->v[i].right);
    }
    ptd_free(rows->v);
}

/* The right column: lines after the first begin under it. */
static void print_right(struct ptd_text *t, const char *s, size_t pad)
{
    size_t n = strcspn(s, "\n");

    ptd_text_add(t, s, n);
    while (s[n] == '\n') {
        ptd_text_puts(t, "\n");
        ptd_text_fill(t, ' ', pad);
        s += n + 1;
        s += strspn(s, " ");
        n = strcspn(s, "\n");
        ptd_text_add(t, s, n);
    }
}

/* Append the rows, and free them. */
static void rows_print(struct ptd_text *t, struct rows *rows)
{
    size_t pad = rows->widest + 4;

    if (rows->failed) {
        ptd_text_fini(t);
        t->failed = true;
    }
    for (size_t i = 0; i < rows->n; i++) {
        const struct row *row = &rows->v[i];

        ptd_text_puts(t, row->left);
        if (row->right[0] != '\0') {
            ptd_text_fill(t, ' ', pad - strlen(row->left));
            print_right(t, row->right, pad);
        }
        ptd_text_puts(t, "\n");
    }
    rows_fini(rows);
}

/* ---- arguments ------------------------------------------------------------- */

enum outer { OUTER_NONE, OUTER_ARR, OUTER_OBJ };

static void put_first_name(struct ptd_text *t, const struct ptd_rpc_arg *a)
{
    ptd_text_add(t, a->names, strcspn(a->names, "|"));
}

static void put_form(struct ptd_text *t, const struct ptd_rpc_arg *a,
                     bool oneline);

static void put_inner_forms(struct ptd_text *t, const struct ptd_rpc_arg *a,
                            bool oneline)
{
    for (const struct ptd_rpc_arg *in = a->inner; in->type != PTD_RPC_A_END;
         in++) {
        put_form(t, in, oneline);
        ptd_text_puts(t, ",");
    }
}

/* As a member of an object: "name": n. */
static void put_member_form(struct ptd_text *t, const struct ptd_rpc_arg *a,
                            bool oneline)
{
    ptd_text_puts(t, "\"");
    put_first_name(t, a);
    ptd_text_puts(t, oneline ? "\":" : "\": ");
    switch (a->type) {
    case PTD_RPC_A_STR: ptd_text_puts(t, "\"str\""); break;
    case PTD_RPC_A_HEX: ptd_text_puts(t, "\"hex\""); break;
    case PTD_RPC_A_NUM: ptd_text_puts(t, "n"); break;
    case PTD_RPC_A_RANGE: ptd_text_puts(t, "n or [n,n]"); break;
    case PTD_RPC_A_AMOUNT: ptd_text_puts(t, "amount"); break;
    case PTD_RPC_A_BOOL: ptd_text_puts(t, "bool"); break;
    case PTD_RPC_A_ARR:
        ptd_text_puts(t, "[");
        put_inner_forms(t, a, oneline);
        ptd_text_puts(t, "...]");
        break;
    case PTD_RPC_A_OBJ:
    case PTD_RPC_A_OBJ_USER_KEYS:
    case PTD_RPC_A_OBJ_NAMED: ptd_text_puts(t, "{...}"); break;
    case PTD_RPC_A_END: break;
    }
}

static void put_object_form(struct ptd_text *t, const struct ptd_rpc_arg *a,
                            bool oneline)
{
    ptd_text_puts(t, "{");
    for (const struct ptd_rpc_arg *in = a->inner; in->type != PTD_RPC_A_END;
         in++) {
        if (in != a->inner)
            ptd_text_puts(t, ",");
        put_member_form(t, in, oneline);
    }
    ptd_text_puts(t, a->type == PTD_RPC_A_OBJ ? "}" : ",...}");
}

static void put_form(struct ptd_text *t, const struct ptd_rpc_arg *a,
                     bool oneline)
{
    if (oneline && a->oneline != NULL) {
        ptd_text_puts(t, a->oneline);
        return;
    }
    switch (a->type) {
    case PTD_RPC_A_STR:
    case PTD_RPC_A_HEX:
        ptd_text_puts(t, "\"");
        put_first_name(t, a);
        ptd_text_puts(t, "\"");
        break;
    case PTD_RPC_A_NUM:
    case PTD_RPC_A_RANGE:
    case PTD_RPC_A_AMOUNT:
    case PTD_RPC_A_BOOL: put_first_name(t, a); break;
    case PTD_RPC_A_OBJ:
    case PTD_RPC_A_OBJ_USER_KEYS:
    case PTD_RPC_A_OBJ_NAMED: put_object_form(t, a, oneline); break;
    case PTD_RPC_A_ARR:
        ptd_text_puts(t, "[");
        put_inner_forms(t, a, oneline);
        ptd_text_puts(t, "...]");
        break;
    case PTD_RPC_A_END: break;
    }
}

static const char *arg_type_text(const struct ptd_rpc_arg *a)
{
    if (a->type_text != NULL)
        return a->type_text;
    switch (a->type) {
    case PTD_RPC_A_STR:
    case PTD_RPC_A_HEX: return "string";
    case PTD_RPC_A_NUM: return "numeric";
    case PTD_RPC_A_AMOUNT: return "numeric or string";
    case PTD_RPC_A_RANGE: return "numeric or array";
    case PTD_RPC_A_BOOL: return "boolean";
    case PTD_RPC_A_ARR: return "json array";
    case PTD_RPC_A_OBJ:
    case PTD_RPC_A_OBJ_USER_KEYS:
    case PTD_RPC_A_OBJ_NAMED:
    case PTD_RPC_A_END: break;
    }
    return "json object";
}

/* "(numeric, optional, default=1) What it is". */
static struct ptd_text describe_arg(const struct ptd_rpc_arg *a, bool is_named)
{
    struct ptd_text t = { 0 };

    ptd_text_printf(&t, "(%s", arg_type_text(a));
    switch (a->need) {
    case PTD_RPC_REQUIRED: ptd_text_puts(&t, ", required"); break;
    case PTD_RPC_OMITTED:
        if (is_named)
            ptd_text_puts(&t, ", optional");
        break;
    case PTD_RPC_DEFAULT_HINT:
        ptd_text_printf(&t, ", optional, default=%s",
                        a->otherwise != NULL ? a->otherwise : "");
        break;
    }
    ptd_text_puts(&t, ")");
    if (a->type == PTD_RPC_A_OBJ_NAMED)
        ptd_text_puts(&t, " Options object that can be used to pass named "
                          "arguments, listed below.");
    if (a->text != NULL && a->text[0] != '\0')
        ptd_text_printf(&t, " %s", a->text);
    return t;
}

static void add_arg(struct rows *rows, const struct ptd_rpc_arg *a,
                    size_t indent, enum outer outer);

/* A simple value inside an array or an object. */
static void add_simple_arg(struct rows *rows, const struct ptd_rpc_arg *a,
                           size_t indent, enum outer outer)
{
    struct ptd_text left = { 0 }, right = describe_arg(a, outer == OUTER_OBJ);

    ptd_text_fill(&left, ' ', indent);
    if (outer == OUTER_OBJ && a->type_left != NULL)
        ptd_text_printf(&left, "\"%s\": %s", a->names, a->type_left);
    else if (outer == OUTER_OBJ)
        put_member_form(&left, a, false);
    else
        put_form(&left, a, false);
    ptd_text_puts(&left, ",");
    rows_add(rows, &left, &right);
}

/* One line of an array's or object's frame. */
static void add_frame(struct rows *rows, size_t indent, const char *text,
                      const char *more)
{
    struct ptd_text left = { 0 }, right = { 0 };

    ptd_text_fill(&left, ' ', indent);
    ptd_text_puts(&left, text);
    ptd_text_puts(&left, more);
    rows_add(rows, &left, &right);
}

static void add_nested_arg(struct rows *rows, const struct ptd_rpc_arg *a,
                           size_t indent, enum outer outer)
{
    bool is_array = a->type == PTD_RPC_A_ARR;
    struct ptd_text left = { 0 }, right = { 0 };

    if (outer != OUTER_NONE)
        right = describe_arg(a, outer == OUTER_OBJ);
    ptd_text_fill(&left, ' ', indent);
    if (outer == OUTER_OBJ)
        ptd_text_printf(&left, "\"%s\": ", a->names);
    ptd_text_puts(&left, is_array ? "[" : "{");
    rows_add(rows, &left, &right);
    for (const struct ptd_rpc_arg *in = a->inner; in->type != PTD_RPC_A_END;
         in++)
        add_arg(rows, in, indent + 2, is_array ? OUTER_ARR : OUTER_OBJ);
    if (a->type != PTD_RPC_A_OBJ)
        add_frame(rows, indent + 2, "...", "");
    add_frame(rows, indent, is_array ? "]" : "}",
              outer == OUTER_NONE ? "" : ",");
}

static void add_arg(struct rows *rows, const struct ptd_rpc_arg *a,
                    size_t indent, enum outer outer)
{
    if (a->type == PTD_RPC_A_ARR || a->type == PTD_RPC_A_OBJ ||
        a->type == PTD_RPC_A_OBJ_USER_KEYS)
        add_nested_arg(rows, a, indent, outer);
    else if (outer != OUTER_NONE)
        add_simple_arg(rows, a, indent, outer);
}

/* Members of an options argument, as they can be given by name. */
static void add_named_only(struct rows *rows, const struct ptd_rpc_arg *a)
{
    for (const struct ptd_rpc_arg *in = a->inner; in->type != PTD_RPC_A_END;
         in++) {
        struct ptd_text left = { 0 }, right = describe_arg(in, true);

        put_first_name(&left, in);
        rows_add(rows, &left, &right);
        add_arg(rows, in, 5, OUTER_NONE);
    }
}

/* Arguments behind a hidden one are hidden too. */
static bool is_shown(const struct ptd_rpc_arg *a)
{
    return a != NULL && a->type != PTD_RPC_A_END &&
           !(a->flags & PTD_RPC_ARG_HIDDEN);
}

static void put_arguments(struct ptd_text *t, const struct ptd_rpc_method *m)
{
    struct rows rows = { 0 }, named = { 0 };
    size_t i = 0;

    for (const struct ptd_rpc_arg *a = m->args; is_shown(a); a++) {
        struct ptd_text left = { 0 }, right = describe_arg(a, true);

        ptd_text_printf(&left, "%zu. ", ++i);
        put_first_name(&left, a);
        rows_add(&rows, &left, &right);
        add_arg(&rows, a, 5, OUTER_NONE);
        if (a->type == PTD_RPC_A_OBJ_NAMED)
            add_named_only(&named, a);
    }
    if (rows.n > 0)
        ptd_text_puts(t, "\nArguments:\n");
    rows_print(t, &rows);
    if (named.n > 0)
        ptd_text_puts(t, "\nNamed Arguments:\n");
    rows_print(t, &named);
}

static void put_summary(struct ptd_text *t, const struct ptd_rpc_method *m)
{
    bool was_optional = false;

    ptd_text_puts(t, m->name);
    for (const struct ptd_rpc_arg *a = m->args; is_shown(a); a++) {
        bool optional = ptd_rpc_arg_is_optional(a);

        ptd_text_puts(t, " ");
        if (optional && !was_optional)
            ptd_text_puts(t, "( ");
        else if (!optional && was_optional)
            ptd_text_puts(t, ") ");
        was_optional = optional;
        put_form(t, a, true);
    }
    if (was_optional)
        ptd_text_puts(t, " )");
}

/* ---- results --------------------------------------------------------------- */

static struct ptd_text describe_result(const struct ptd_rpc_result *r,
                                       const char *type)
{
    struct ptd_text t = { 0 };

    ptd_text_printf(&t, "(%s%s)", type, r->optional ? ", optional" : "");
    if (r->text != NULL && r->text[0] != '\0')
        ptd_text_printf(&t, " %s", r->text);
    return t;
}

/* How a simple result looks, and what it is called; NULL: it is not simple. */
static const char *result_form(const struct ptd_rpc_result *r,
                               const char **type)
{
    *type = "numeric";
    switch (r->type) {
    case PTD_RPC_R_NONE: *type = "json null"; return "null";
    case PTD_RPC_R_STR: *type = "string"; return "\"str\"";
    case PTD_RPC_R_HEX: *type = "string"; return "\"hex\"";
    case PTD_RPC_R_BOOL: *type = "boolean"; return "true|false";
    case PTD_RPC_R_NUM:
    case PTD_RPC_R_AMOUNT: return "n";
    case PTD_RPC_R_TIME: return "xxx";
    case PTD_RPC_R_ARR:
    case PTD_RPC_R_ARR_FIXED:
    case PTD_RPC_R_OBJ:
    case PTD_RPC_R_OBJ_DYN:
    case PTD_RPC_R_ELISION:
    case PTD_RPC_R_ANY:
    case PTD_RPC_R_END: break;
    }
    return NULL;
}

static void add_result_row(struct rows *rows, const struct ptd_rpc_result *r,
                           const char *form, const char *type, size_t indent,
                           enum outer outer, bool comma)
{
    struct ptd_text left = { 0 }, right = describe_result(r, type);

    ptd_text_fill(&left, ' ', indent);
    if (outer == OUTER_OBJ && r->type != PTD_RPC_R_NONE)
        ptd_text_printf(&left, "\"%s\" : ", r->key != NULL ? r->key : "");
    ptd_text_puts(&left, form);
    ptd_text_puts(&left, comma ? "," : "");
    rows_add(rows, &left, &right);
}

static void add_result(struct rows *rows, const struct ptd_rpc_result *r,
                       size_t indent, enum outer outer, bool comma);

/* The kinds of entry; "..." where there may be more of them. No comma stands
 * before the closing bracket. */
static void add_inner_results(struct rows *rows, const struct ptd_rpc_result *r,
                              size_t indent, enum outer outer)
{
    bool open_ended = r->type == PTD_RPC_R_ARR || r->type == PTD_RPC_R_OBJ_DYN;

    for (const struct ptd_rpc_result *in = r->inner; in->type != PTD_RPC_R_END;
         in++) {
        bool last = in[1].type == PTD_RPC_R_END;

        if (last && in->type == PTD_RPC_R_ELISION)
            open_ended = false;
        add_result(rows, in, indent + 2, outer, !last || open_ended);
    }
    if (open_ended)
        add_frame(rows, indent + 2, "...", "");
}

static void add_nested_result(struct rows *rows, const struct ptd_rpc_result *r,
                              size_t indent, enum outer outer, bool comma)
{
    bool is_array = r->type == PTD_RPC_R_ARR || r->type == PTD_RPC_R_ARR_FIXED;

    if (r->inner == NULL) {
        add_result_row(rows, r, is_array ? "[]" : "{}",
                       is_array ? "empty JSON array" : "empty JSON object",
                       indent, outer, comma);
        return;
    }
    add_result_row(rows, r, is_array ? "[" : "{",
                   is_array ? "json array" : "json object", indent, outer,
                   false);
    add_inner_results(rows, r, indent, is_array ? OUTER_ARR : OUTER_OBJ);
    add_frame(rows, indent, is_array ? "]" : "}", comma ? "," : "");
}

static void add_result(struct rows *rows, const struct ptd_rpc_result *r,
                       size_t indent, enum outer outer, bool comma)
{
    const char *type, *form = result_form(r, &type);
    struct ptd_text left = { 0 }, right = { 0 };

    if (form != NULL) {
        add_result_row(rows, r, form, type, indent, outer, comma);
        return;
    }
    if (r->type != PTD_RPC_R_ELISION && r->type != PTD_RPC_R_ANY) {
        add_nested_result(rows, r, indent, outer, comma);
        return;
    }
    ptd_text_fill(&left, ' ', indent);
    ptd_text_puts(&left, comma ? "...," : "...");
    if (r->text != NULL)
        ptd_text_puts(&right, r->text);
    rows_add(rows, &left, &right);
}

static void put_results(struct ptd_text *t, const struct ptd_rpc_result *r)
{
    for (; r != NULL && r->type != PTD_RPC_R_END; r++) {
        struct rows rows = { 0 };

        if (r->type == PTD_RPC_R_ANY)
            continue;
        if (r->when != NULL)
            ptd_text_printf(t, "\nResult (%s):\n", r->when);
        else
            ptd_text_puts(t, "\nResult:\n");
        add_result(&rows, r, 0, OUTER_NONE, false);
        rows_print(t, &rows);
    }
}

/* ---- the whole ------------------------------------------------------------- */

static void put_trimmed(struct ptd_text *t, const char *s)
{
    size_t n;

    s += strspn(s, " \f\n\r\t\v");
    n = strlen(s);
    while (n > 0 && isspace((unsigned char)s[n - 1]))
        n--;
    ptd_text_add(t, s, n);
}

void ptd_rpc_help(struct ptd_text *t, const struct ptd_rpc_method *m)
{
    put_summary(t, m);
    ptd_text_puts(t, "\n\n");
    put_trimmed(t, m->text);
    ptd_text_puts(t, "\n");
    put_arguments(t, m);
    put_results(t, m->results);
    if (m->examples != NULL)
        ptd_text_printf(t, "\nExamples:\n%s", m->examples);
}
