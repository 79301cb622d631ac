#include <config.h>

#include "rpc/cli.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"
#include "rpc/cli_int.h"

void ptd_cli_config_init(struct ptd_cli_config *cfg)
{
    *cfg = (struct ptd_cli_config){
        .program = "Pentad",
        .version = "",
        .chain = "",
        .connect = "127.0.0.1",
        .user = "",
        .password = "",
        .conf_path = "",
        .color = "auto",
        .timeout_s = PTD_CLI_DEFAULT_TIMEOUT_S,
    };
}

/* ---- saying what is wrong -------------------------------------------------- */

bool ptd_cli_fail(struct ptd_cli *c, const char *format, ...)
{
    struct ptd_text t = { 0 };
    va_list ap;
    char *text;
    int n;

    va_start(ap, format);
    n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n >= 0) {
        ptd_text_puts(&t, text);
        free(text);
    }
    ptd_text_fini(&c->error);
    c->error = t;
    return false;
}

bool ptd_cli_fail_memory(struct ptd_cli *c)
{
    return ptd_cli_fail(c, "out of memory");
}

const json_t *ptd_cli_error_of(const json_t *answer)
{
    const json_t *v = json_object_get(answer, "error");

    return json_is_null(v) ? NULL : v;
}

void ptd_cli_print_error(struct ptd_cli *c, const json_t *error)
{
    const json_t *code = json_object_get(error, "code");
    const json_t *message = json_object_get(error, "message");
    int64_t n = 0;

    c->status = EXIT_FAILURE;
    if (!json_is_object(error)) {
        ptd_text_puts(&c->out, "error: ");
        ptd_json_write(&c->out, error, 0);
        return;
    }
    if (code != NULL) {
        ptd_text_puts(&c->out, "error code: ");
        ptd_json_write_plain(&c->out, code);
        ptd_text_puts(&c->out, "\n");
    }
    if (ptd_json_is(message, PTD_JSON_STRING)) {
        ptd_text_puts(&c->out, "error message:\n");
        ptd_json_write_plain(&c->out, message);
    }
    if (!ptd_json_to_int(code, &n) || n == 0 || n < -INT32_MAX || n > INT32_MAX)
        return;
    c->status = (int)(n < 0 ? -n : n);
    if (n == -19) /* of a node with several wallets */
        ptd_text_puts(&c->out,
                      " Or for the CLI, specify the "
                      "\"-rpcwallet=<walletname>\" option before the command "
                      "(run \"pentad-cli -h\" for help or \"pentad-cli "
                      "listwallets\" to see which wallets are currently "
                      "loaded).");
}

void ptd_cli_print_result(struct ptd_cli *c, const json_t *result)
{
    if (ptd_json_is(result, PTD_JSON_NULL))
        return;
    if (ptd_json_is(result, PTD_JSON_STRING))
        ptd_json_write_plain(&c->out, result);
    else
        ptd_json_write(&c->out, result, 2);
}

/* ---- standard input -------------------------------------------------------- */

/* Whoever types a secret does not see it. */
static bool hide_typing(struct termios *saved)
{
    struct termios quiet;

    if (tcgetattr(STDIN_FILENO, saved) != 0)
        return false;
    quiet = *saved;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    return tcsetattr(STDIN_FILENO, TCSANOW, &quiet) == 0;
}

/* A line without its end; NULL at the end, or for lack of memory. */
static char *read_line(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n = getline(&line, &cap, stdin);

    if (n < 0) {
        free(line);
        return NULL;
    }
    if (n > 0 && line[n - 1] == '\n')
        line[n - 1] = '\0';
    return line;
}

static char *read_secret(const char *prompt)
{
    struct termios saved;
    bool hidden = hide_typing(&saved);
    char *line;

    if (hidden) {
        fputs(prompt, stderr);
        fflush(stderr);
    }
    line = read_line();
    if (hidden) {
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &saved);
        fputc('\n', stdout);
    }
    return line;
}

/* Takes text; at: where it goes. */
static bool insert_arg(struct ptd_cli *c, size_t at, char *text)
{
    char **v = ptd_array_grow(c->args, &c->cap_args, c->n_args + 1, sizeof *v);

    if (v != NULL)
        c->args = v;
    if (v == NULL || text == NULL) {
        free(text);
        return ptd_cli_fail_memory(c);
    }
    memmove(v + at + 1, v + at, (c->n_args - at) * sizeof *v);
    v[at] = text;
    c->n_args++;
    return true;
}

static bool read_password(struct ptd_cli *c)
{
    char *text = read_secret("RPC password> ");

    if (text == NULL)
        return ptd_cli_fail(c, "-stdinrpcpass specified but failed to read "
                               "from standard input");
    ptd_free(c->password);
    c->password = text;
    return true;
}

static bool read_passphrase(struct ptd_cli *c)
{
    static const char method[] = "walletpassphrase";
    char *text;

    if (c->n_args == 0 || strncmp(c->args[0], method, sizeof method - 1) != 0)
        return ptd_cli_fail(c, "-stdinwalletpassphrase is only applicable for "
                               "walletpassphrase(change)");
    if ((text = read_secret("Wallet passphrase> ")) == NULL)
        return ptd_cli_fail(c, "-stdinwalletpassphrase specified but failed "
                               "to read from standard input");
    return insert_arg(c, 1, text);
}

static bool read_args(struct ptd_cli *c)
{
    char *line;

    while ((line = read_line()) != NULL)
        if (!insert_arg(c, c->n_args, line))
            return false;
    if (isatty(STDIN_FILENO))
        fputc('\n', stdout);
    return true;
}

static bool copy_args(struct ptd_cli *c)
{
    for (size_t i = 0; i < c->cfg->n_args; i++)
        if (!insert_arg(c, c->n_args, ptd_strdup(c->cfg->args[i])))
            return false;
    return true;
}

/* Passwords come first, as bitcoin-cli has it. */
static bool gather(struct ptd_cli *c)
{
    if ((c->password = ptd_strdup(c->cfg->password)) == NULL)
        return ptd_cli_fail_memory(c);
    return (!c->cfg->read_password || read_password(c)) && copy_args(c) &&
           (!c->cfg->read_passphrase || read_passphrase(c)) &&
           (!c->cfg->read_stdin || read_args(c));
}

/* ---- asking ---------------------------------------------------------------- */

static bool call_method(struct ptd_cli *c)
{
    struct ptd_text params = { 0 }, body = { 0 };
    struct ptd_json_doc reply = { 0 };
    const json_t *error;
    bool good;

    if (c->n_args == 0)
        return ptd_cli_fail(c, "too few parameters (need at least command)");
    good = ptd_cli_convert(c, &params, c->args[0],
                           (const char *const *)c->args + 1, c->n_args - 1,
                           c->cfg->named);
    if (good) {
        if (params.failed)
            body.failed = true;
        else
            ptd_cli_add_request(&body, c->args[0], params.v, 1);
        good = ptd_cli_call(c, &body, c->cfg->wallet, &reply);
    }
    if (good && (error = ptd_cli_error_of(reply.root)) != NULL)
        ptd_cli_print_error(c, error);
    else if (good)
        ptd_cli_print_result(c, json_object_get(reply.root, "result"));
    ptd_json_doc_fini(&reply);
    ptd_text_fini(&params);
    ptd_text_fini(&body);
    return good;
}

/* "Only one of -getinfo, -netinfo may be specified." */
static bool complain_of_several(struct ptd_cli *c)
{
    static const char *const names[] = { "-addrinfo", "-generate", "-getinfo",
                                         "-netinfo" };
    char list[64] = "";

    for (size_t i = 0, n = 0; i < PTD_COUNT(names); i++) {
        size_t len = strlen(list);

        if (c->cfg->ask >> i & 1)
            snprintf(list + len, sizeof list - len, "%s%s", n++ > 0 ? ", " : "",
                     names[i]);
    }
    return ptd_cli_fail(c, "Only one of %s may be specified.", list);
}

static bool ask(struct ptd_cli *c)
{
    unsigned what = c->cfg->ask;

    if ((what & (what - 1)) != 0)
        return complain_of_several(c);
    switch (what) {
    case PTD_CLI_GETINFO: return ptd_cli_getinfo(c);
    case PTD_CLI_NETINFO: return ptd_cli_netinfo(c);
    case PTD_CLI_GENERATE: return ptd_cli_generate(c);
    case PTD_CLI_ADDRINFO: return ptd_cli_addrinfo(c);
    default: return call_method(c);
    }
}

/* Print what there is. */
static void print(struct ptd_cli *c)
{
    FILE *to = c->status == 0 ? stdout : stderr;

    if (c->out.n > 0) {
        fwrite(c->out.v, 1, c->out.n, to);
        fputc('\n', to);
    }
    if (fflush(to) != 0 && c->status == 0)
        c->status = EXIT_FAILURE;
}

int ptd_cli_run(const struct ptd_cli_config *cfg)
{
    struct ptd_cli c = { .cfg = cfg };
    bool good;

    good = curl_global_init(CURL_GLOBAL_NOTHING) == CURLE_OK ||
           ptd_cli_fail_memory(&c);
    good = good && gather(&c) && ask(&c);
    if (good && c.out.failed)
        good = ptd_cli_fail_memory(&c);
    if (good) {
        print(&c);
    } else {
        c.status = EXIT_FAILURE;
        fprintf(stderr, "error: %s\n",
                c.error.v != NULL ? c.error.v : "out of memory");
    }
    for (size_t i = 0; i < c.n_args; i++)
        ptd_free(c.args[i]);
    ptd_free(c.args);
    ptd_free(c.password);
    ptd_text_fini(&c.error);
    ptd_text_fini(&c.out);
    curl_global_cleanup();
    return c.status;
}
