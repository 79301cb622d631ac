#include <config.h>

#include "rpc/table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "rpc/call.h"

static int by_name(const void *a, const void *b)
{
    const struct ptd_rpc_entry *x = a, *y = b;

    return strcmp(x->method->name, y->method->name);
}

enum ptd_err ptd_rpc_table_add(struct ptd_rpc_table *t,
                               const struct ptd_rpc_method *methods, size_t n,
                               void *arg)
{
    struct ptd_rpc_entry *v =
        ptd_array_grow(t->v, &t->cap, t->n + n, sizeof *v);

    if (v == NULL)
        return PTD_ENOMEM;
    t->v = v;
    for (size_t i = 0; i < n; i++)
        v[t->n++] = (struct ptd_rpc_entry){ &methods[i], arg };
    qsort(v, t->n, sizeof *v, by_name);
    for (size_t i = 1; i < t->n; i++)
        PTD_ASSERT(by_name(&v[i - 1], &v[i]) != 0);
    return PTD_OK;
}

void ptd_rpc_table_fini(struct ptd_rpc_table *t)
{
    ptd_free(t->v);
    *t = (struct ptd_rpc_table){ 0 };
}

static int name_against(const void *name, const void *entry)
{
    const struct ptd_rpc_entry *e = entry;

    return strcmp(name, e->method->name);
}

const struct ptd_rpc_entry *ptd_rpc_table_find(const struct ptd_rpc_table *t,
                                               const char *name)
{
    if (t->n == 0)
        return NULL;
    return bsearch(name, t->v, t->n, sizeof *t->v, name_against);
}

/* ---- help ------------------------------------------------------------------ */

static const char *category_of(const void *entry)
{
    const struct ptd_rpc_entry *e = entry;

    return e->method->category;
}

static int by_category(const void *a, const void *b)
{
    int c = strcmp(category_of(a), category_of(b));

    return c != 0 ? c : by_name(a, b);
}

/* "== Network ==", after an empty line if it is not the first. */
static void put_category(struct ptd_text *out, const char *category)
{
    ptd_text_printf(out, "%s== %c%s ==\n", out->n > 0 ? "\n" : "",
                    toupper((unsigned char)category[0]), category + 1);
}

static void put_first_line(struct ptd_text *out, const struct ptd_rpc_method *m)
{
    struct ptd_text help = { 0 };

    ptd_rpc_help(&help, m);
    if (help.failed) {
        ptd_text_fini(out);
        out->failed = true;
        return;
    }
    ptd_text_add(out, help.v, strcspn(help.v, "\n"));
    ptd_text_puts(out, "\n");
    ptd_text_fini(&help);
}

static void help_all(const struct ptd_rpc_table *t, struct ptd_text *out)
{
    struct ptd_rpc_entry *v = ptd_memdup(t->v, t->n * sizeof *v);
    const char *category = "";

    if (v == NULL) {
        out->failed = true;
        return;
    }
    qsort(v, t->n, sizeof *v, by_category);
    for (size_t i = 0; i < t->n; i++) {
        if (strcmp(v[i].method->category, "hidden") == 0)
            continue;
        if (strcmp(v[i].method->category, category) != 0) {
            category = v[i].method->category;
            put_category(out, category);
        }
        put_first_line(out, v[i].method);
    }
    ptd_free(v);
}

void ptd_rpc_table_help(const struct ptd_rpc_table *t, const char *name,
                        struct ptd_text *out)
{
    const struct ptd_rpc_entry *e;

    if (name[0] == '\0')
        help_all(t, out);
    else if ((e = ptd_rpc_table_find(t, name)) != NULL)
        ptd_rpc_help(out, e->method);
    else
        ptd_text_printf(out, "help: unknown command: %s", name);
    /* A list loses its last newline; that of one method keeps it, since Core
     * adds one there. */
    if (name[0] == '\0' && out->n > 0)
        out->v[--out->n] = '\0';
}

/* ---- conversions ----------------------------------------------------------- */

static void add_conversions(json_t **all, const struct ptd_rpc_method *m,
                            size_t position, const struct ptd_rpc_arg *a)
{
    bool is_text = a->type == PTD_RPC_A_STR || a->type == PTD_RPC_A_HEX;
    const char *at = a->names, *name;
    size_t n;

    while (ptd_rpc_next_name(&at, &name, &n)) {
        json_t *entry = json_array();

        ptd_json_append(&entry, json_string(m->name));
        ptd_json_append(&entry, json_integer((json_int_t)position));
        ptd_json_append(&entry, json_stringn(name, n));
        ptd_json_append(&entry, json_boolean(is_text));
        ptd_json_append(all, entry);
    }
}

json_t *ptd_rpc_table_conversions(const struct ptd_rpc_table *t)
{
    json_t *all = json_array();

    for (size_t i = 0; i < t->n; i++) {
        const struct ptd_rpc_method *m = t->v[i].method;
        const struct ptd_rpc_arg *a = m->args;

        for (size_t k = 0; a != NULL && a[k].type != PTD_RPC_A_END; k++) {
            add_conversions(&all, m, k, &a[k]);
            if (a[k].type != PTD_RPC_A_OBJ_NAMED)
                continue;
            for (const struct ptd_rpc_arg *in = a[k].inner;
                 in->type != PTD_RPC_A_END; in++)
                add_conversions(&all, m, k, in);
        }
    }
    return all;
}
