#include <config.h>

#include "node/options.h"

#include <string.h>

const struct ptd_option *ptd_option_of(const char *name)
{
    if (*name == '\0')
        return NULL;
    for (size_t i = 0; i < ptd_n_options; i++)
        if (strcmp(ptd_options[i].name, name) == 0)
            return &ptd_options[i];
    return NULL;
}

/* Write text in lines of at most 79 characters, indented. */
static void print_folded(FILE *out, const char *text, int indent)
{
    int column = 0;

    while (*text != '\0') {
        int n = (int)strcspn(text, " ");

        if (column > 0 && column + 1 + n > 79) {
            fputc('\n', out);
            column = 0;
        }
        if (column == 0)
            column = fprintf(out, "%*s%.*s", indent, "", n, text);
        else
            column += fprintf(out, " %.*s", n, text);
        text += n;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_names(FILE *out, enum ptd_option_flags flag)
{
    char line[80] = "";

    for (size_t i = 0; i < ptd_n_options; i++) {
        const struct ptd_option *o = &ptd_options[i];

        if (!(o->flags & flag))
            continue;
        if (strlen(line) + strlen(o->name) > 68) {
            fprintf(out, "      %s\n", line);
            line[0] = '\0';
        }
        snprintf(line + strlen(line), sizeof line - strlen(line), " -%s",
                 o->name);
    }
    fprintf(out, "      %s\n", line);
}

void ptd_options_print(FILE *out, enum ptd_options_shown which)
{
    fputs("A Bitcoin peer-to-peer node, five threads a peer.\n\n"
          "It follows proof of work and checks the structure of blocks; it "
          "runs no\nscripts, keeps no set of coins, and does not check "
          "signet's block signatures.\n\n"
          "Usage: pentad [options]\n\n",
          out);
    for (size_t i = 0; i < ptd_n_options; i++) {
        const struct ptd_option *o = &ptd_options[i];

        if (o->name[0] == '\0') {
            fprintf(out, "%s\n\n", o->help);
        } else if (o->form != NULL && (which == PTD_OPTIONS_ALL ||
                                       !(o->flags & PTD_OPTION_RARE))) {
            fprintf(out, "  -%s%s\n", o->name, o->form);
            print_folded(out, o->help, 7);
            fputc('\n', out);
        }
    }
    fputs("Accepted for the sake of files that are shared with bitcoind, and "
          "ignored:\n\n",
          out);
    print_names(out, PTD_OPTION_IGNORED);
    fputs("\nRead and checked, without effect in this version:\n\n", out);
    print_names(out, PTD_OPTION_MISSING);
}
