/* Values of the program: files, log, commands; and what is wrong with the
 * configuration as a whole. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "node/datadir.h"
#include "node/options.h"
#include "node/settings_int.h"

/* ---- the configuration as a whole ------------------------------------------ */

/* Add a line to a text that is cut at its end. */
static void add_line(struct ptd_complaint *text, const char *line)
{
    size_t n = strlen(text->text), k;

    if (n > 0 && n + 1 < sizeof text->text)
        text->text[n++] = '\n';
    k = PTD_MIN(strlen(line), sizeof text->text - 1 - n);
    memcpy(text->text + n, line, k);
    text->text[n + k] = '\0';
}

static enum ptd_err check_misplaced(struct setter *s)
{
    struct ptd_complaint all = { .text = "" }, one;

    for (size_t i = 0; i < ptd_n_options; i++) {
        const struct ptd_option *o = &ptd_options[i];

        if (!(o->flags & PTD_OPTION_NETWORK) ||
            !ptd_args_is_misplaced(s->args, o))
            continue;
        (void)ptd_complain(&one,
                           "Config setting for -%s only applied on %s network "
                           "when in [%s] section.",
                           o->name, s->args->network, s->args->network);
        add_line(&all, one.text);
    }
    if (all.text[0] == '\0')
        return PTD_OK;
    *s->why = all;
    return PTD_EINVAL;
}

static enum ptd_err warn_of_sections(struct setter *s)
{
    struct ptd_complaint all = { .text = "" }, one;

    for (size_t i = 0; i < s->args->n_sections; i++) {
        const struct ptd_section *section = &s->args->sections[i];

        (void)ptd_complain(&one, "%s:%d Section [%s] is not recognized.",
                           section->file, section->line, section->name);
        add_line(&all, one.text);
    }
    return all.text[0] != '\0' ? set_warn(s, "%s", all.text) : PTD_OK;
}

static enum ptd_err warn_of_removed(struct setter *s)
{
    static const struct {
        const char *option, *text;
    } removed[] = {
        { "checkpoints", "Option '-checkpoints' is set but checkpoints were "
                         "removed. This option has no effect." },
        { "limitancestorsize",
          "Option '-limitancestorsize' is given but ancestor size limits have "
          "been replaced with cluster size limits (see -limitclustersize). "
          "This option has no effect." },
        { "limitdescendantsize",
          "Option '-limitdescendantsize' is given but descendant size limits "
          "have been replaced with cluster size limits (see "
          "-limitclustersize). This option has no effect." },
    };

    for (size_t i = 0; i < PTD_COUNT(removed); i++)
        if (ptd_args_is_set(s->args, removed[i].option) &&
            set_warn(s, "%s", removed[i].text) != PTD_OK)
            return PTD_ENOMEM;
    return PTD_OK;
}

/* ---- files ------------------------------------------------------------------- */

static enum ptd_err set_blocksdir(struct setter *s)
{
    const char *given = ptd_args_text(s->args, "blocksdir", "");
    struct ptd_node_config *cfg = s->cfg;
    char *base, *of_network = NULL;

    if (*given != '\0' && !ptd_is_directory(given))
        return ptd_complain(s->why,
                            "Specified blocks directory \"%.3000s\" does not "
                            "exist.",
                            given);
    base = *given != '\0' ? ptd_path_absolute(given) : ptd_strdup(cfg->datadir);
    if (base != NULL)
        of_network = ptd_path_join(base, cfg->params->datadir);
    if (of_network != NULL)
        cfg->blocksdir = ptd_path_join(of_network, "blocks");
    ptd_free(base);
    ptd_free(of_network);
    return cfg->blocksdir != NULL ? PTD_OK : PTD_ENOMEM;
}

static enum ptd_err set_files(struct setter *s)
{
    struct ptd_node_config *cfg = s->cfg;
    enum ptd_err e = set_blocksdir(s);

    if (e == PTD_OK)
        e = set_path(s, &cfg->pid_path, "pid", cfg->netdir, "bitcoind.pid");
    if (e == PTD_OK)
        e = set_path(s, &cfg->log_path, "debuglogfile", cfg->netdir,
                     "debug.log");
    return e;
}

/* ---- the log ------------------------------------------------------------------- */

static void set_log(struct setter *s)
{
    const struct ptd_args *a = s->args;
    struct ptd_node_config *cfg = s->cfg;

    cfg->log_format = (struct ptd_log_format){
        .no_time = !ptd_args_bool(a, "logtimestamps", true),
        .micros = ptd_args_bool(a, "logtimemicros", false),
        .threads = ptd_args_bool(a, "logthreadnames", false),
        .sources = ptd_args_bool(a, "logsourcelocations", false),
        .always_tags = ptd_args_bool(a, "loglevelalways", false),
    };
    cfg->log_ips = ptd_args_bool(a, "logips", false);
    cfg->log_limit = ptd_args_bool(a, "logratelimit", true);
    cfg->log_shrink =
        ptd_args_bool(a, "shrinkdebugfile", !ptd_log_is_any_enabled());
    cfg->peer_table = ptd_args_bool(a, "peertable", false);
    cfg->console =
        ptd_args_bool(a, "printtoconsole", !cfg->peer_table && !cfg->daemon);
}

/* "a, b, c". */
static void category_names(char *out, size_t cap)
{
    const char *name;
    size_t n = 0;
    bool on;

    out[0] = '\0';
    for (size_t i = 0; (name = ptd_log_category_at(i, &on)) != NULL; i++)
        n += (size_t)snprintf(out + n, n < cap ? cap - n : 0, "%s%s",
                              i > 0 ? ", " : "", name);
}

/* The levels that a user may choose. */
static bool level_of(const char *name, enum ptd_log_level *level)
{
    static const enum ptd_log_level levels[] = { PTD_LOG_INFO, PTD_LOG_DEBUG,
                                                 PTD_LOG_TRACE };

    for (size_t i = 0; i < PTD_COUNT(levels); i++)
        if (strcmp(name, ptd_log_level_name(levels[i])) == 0) {
            *level = levels[i];
            return true;
        }
    return false;
}

static enum ptd_err category_level(const char *text, const char *colon,
                                   struct ptd_complaint *why)
{
    char category[32], names[512];
    enum ptd_log_level level;

    if ((size_t)(colon - text) < sizeof category) {
        snprintf(category, sizeof category, "%.*s", (int)(colon - text), text);
        if (level_of(colon + 1, &level) &&
            ptd_log_set_category_threshold(category, level) == PTD_OK)
            return PTD_OK;
    }
    category_names(names, sizeof names);
    return ptd_complain(why,
                        "Unsupported category-specific logging level "
                        "-loglevel=%.100s. Expected "
                        "-loglevel=<category>:<loglevel>. Valid categories: "
                        "%s. Valid loglevels: info, debug, trace.",
                        text, names);
}

static enum ptd_err read_levels(const struct ptd_args *args,
                                struct ptd_complaint *why)
{
    struct ptd_args_walk w = ptd_args_each(args, "loglevel");
    const char *text;

    while ((text = ptd_args_next(&w)) != NULL) {
        /* No category has fewer than three letters. */
        const char *colon = strlen(text) > 3 ? strchr(text + 3, ':') : NULL;
        enum ptd_log_level level;
        enum ptd_err e;

        if (colon == NULL && !level_of(text, &level))
            return ptd_complain(why,
                                "Unsupported global logging level "
                                "-loglevel=%.100s. Valid values: info, debug, "
                                "trace.",
                                text);
        if (colon == NULL)
            ptd_log_set_threshold(level);
        else if ((e = category_level(text, strchr(text, ':'), why)) != PTD_OK)
            return e;
    }
    return PTD_OK;
}

static bool clears_debug(const char *text)
{
    return strcmp(text, "0") == 0 || strcmp(text, "none") == 0;
}

/* What stands before the last 0 or "none" does not count, right or wrong. */
static enum ptd_err read_categories(const struct ptd_args *args,
                                    struct ptd_complaint *why)
{
    struct ptd_args_walk w = ptd_args_each(args, "debug"), from = w;
    const char *text;

    while ((text = ptd_args_next(&w)) != NULL)
        if (clears_debug(text))
            from = w;
    while ((text = ptd_args_next(&from)) != NULL)
        if (ptd_log_enable(text) != PTD_OK)
            return ptd_complain(
                why, "Unsupported logging category -debug=%.100s.", text);
    w = ptd_args_each(args, "debugexclude");
    while ((text = ptd_args_next(&w)) != NULL)
        if (ptd_log_disable(text) != PTD_OK)
            return ptd_complain(
                why, "Unsupported logging category -debugexclude=%.100s.",
                text);
    return PTD_OK;
}

enum ptd_err ptd_node_config_log(const struct ptd_args *args,
                                 struct ptd_complaint *why)
{
    enum ptd_err e;

    ptd_log_reset_levels();
    if ((e = read_categories(args, why)) != PTD_OK)
        return e;
    return read_levels(args, why);
}

/* ---- all of it ------------------------------------------------------------------- */

static enum ptd_err set_clock(struct setter *s)
{
    int64_t now = ptd_args_int(s->args, "mocktime", 0);

    if (now < 0 || now > INT64_C(9223372036))
        return ptd_complain(s->why,
                            "Mocktime must be in the range [0, 9223372036], "
                            "not %lld.",
                            (long long)now);
    s->cfg->mock_time_s = now;
    return PTD_OK;
}

enum ptd_err set_program(struct setter *s)
{
    struct ptd_node_config *cfg = s->cfg;
    enum ptd_err e;

    if ((e = warn_of_removed(s)) != PTD_OK ||
        (e = check_misplaced(s)) != PTD_OK ||
        (e = warn_of_sections(s)) != PTD_OK ||
        (e = ptd_node_config_log(s->args, s->why)) != PTD_OK)
        return e;
    cfg->daemon_wait = ptd_args_bool(s->args, "daemonwait", false);
    cfg->daemon = ptd_args_bool(s->args, "daemon", false) || cfg->daemon_wait;
    set_log(s);
    if ((e = set_files(s)) != PTD_OK || (e = set_clock(s)) != PTD_OK ||
        (e = set_text(s, &cfg->alert_notify, "alertnotify")) != PTD_OK ||
        (e = set_text(s, &cfg->block_notify, "blocknotify")) != PTD_OK ||
        (e = set_text(s, &cfg->startup_notify, "startupnotify")) != PTD_OK)
        return e;
    return set_texts(s, &cfg->shutdown_notify, "shutdownnotify");
}
