/* What the forms of an answer share. */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "rpc/cli_int.h"

const char *const ptd_cli_net_names[PTD_CLI_N_NETS] = {
    "not_publicly_routable", "ipv4", "ipv6", "onion", "i2p", "cjdns", "internal"
};

int ptd_cli_net_of(const char *name)
{
    for (int i = 0; i < PTD_CLI_N_NETS; i++)
        if (strcmp(ptd_cli_net_names[i], name) == 0)
            return i;
    return -1;
}

const json_t *ptd_cli_get(const json_t *o, const char *key)
{
    return json_object_get(o, key);
}

const char *ptd_cli_get_text(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return ptd_json_is(v, PTD_JSON_STRING) ? json_string_value(v) : "";
}

int64_t ptd_cli_get_int(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    int64_t n;

    return v != NULL && ptd_json_to_int(v, &n) ? n : 0;
}

double ptd_cli_get_real(const json_t *o, const char *key, double otherwise)
{
    const json_t *v = json_object_get(o, key);
    double n;

    return v != NULL && ptd_json_to_double(v, &n) ? n : otherwise;
}

bool ptd_cli_get_bool(const json_t *o, const char *key, bool otherwise)
{
    const json_t *v = json_object_get(o, key);

    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

bool ptd_cli_sort_batch(struct ptd_cli *c, const json_t *batch,
                        const json_t **out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = NULL;
    if (!json_is_array(batch))
        return ptd_cli_fail(c, "Batch must be an array");
    for (size_t i = 0; i < json_array_size(batch); i++) {
        const json_t *one = json_array_get(batch, i);
        int64_t id = ptd_cli_get_int(one, "id");

        if (!json_is_object(one))
            return ptd_cli_fail(c, "Batch member must be an object");
        if (id < 0 || (size_t)id >= n)
            return ptd_cli_fail(c, "Batch member id is larger than batch size");
        out[id] = one;
    }
    return true;
}
