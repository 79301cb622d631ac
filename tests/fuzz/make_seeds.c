/* make_seeds DIRECTORY [VECTORS]: write the seeds of each fuzz target into a
 * directory of its own below, and some real blocks from the vectors folder if
 * it is there. */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "fuzz.h"
#include "seeds.h"
#include "support/samples.h"
#include "target.h"

struct folder {
    char path[3000];
    unsigned n_files;
};

static void fail(const char *what)
{
    fprintf(stderr, "make_seeds: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void make_directory(const char *path)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        fail(path);
}

static void enter(struct folder *f, const char *top, const char *name)
{
    f->n_files = 0;
    snprintf(f->path, sizeof f->path, "%s/%s", top, name);
    make_directory(f->path);
}

static void write_seed(void *arg, const uint8_t *data, size_t size)
{
    struct folder *f = arg;
    char path[4000];
    FILE *out;

    snprintf(path, sizeof path, "%s/%03u", f->path, f->n_files++);
    if ((out = fopen(path, "wb")) == NULL ||
        fwrite(data, 1, size, out) != size || fclose(out) != 0)
        fail(path);
}

/* Every 16th block of a block file: magic, length, block. */
static void write_blocks(struct folder *f, FILE *in)
{
    uint8_t head[8], seed[FUZZ_HEAD_BYTES + 4096];

    seed[0] = (uint8_t)(sample_n_pvers - 1);
    seed[1] = 1;
    seed[2] = 1;
    for (unsigned i = 0; fread(head, 1, sizeof head, in) == sizeof head; i++) {
        uint32_t n = ptd_get_le32(head + 4);

        if (n > sizeof seed - FUZZ_HEAD_BYTES ||
            fread(seed + FUZZ_HEAD_BYTES, 1, n, in) != n)
            return;
        if (i % 16 == 0)
            write_seed(f, seed, FUZZ_HEAD_BYTES + n);
    }
}

static void write_vectors(struct folder *f, const char *vectors)
{
    char path[4000];
    FILE *in;

    snprintf(path, sizeof path, "%s/blocks/mainnet-1-to-255.dat", vectors);
    if ((in = fopen(path, "rb")) == NULL)
        return;
    write_blocks(f, in);
    fclose(in);
}

int main(int argc, char **argv)
{
    struct folder f;

    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: make_seeds DIRECTORY [VECTORS]\n");
        return 2;
    }
    make_directory(argv[1]);
    for (unsigned type = 0; type < PTD_MSG_N_TYPES; type++) {
        enter(&f, argv[1], ptd_msg_type_command((enum ptd_msg_type)type));
        seeds_of_msg((enum ptd_msg_type)type, write_seed, &f);
        if (type == PTD_MSG_BLOCK && argc == 3)
            write_vectors(&f, argv[2]);
    }
    enter(&f, argv[1], "header");
    seeds_of_header(write_seed, &f);
    enter(&f, argv[1], "netaddr");
    seeds_of_netaddr(write_seed, &f);
    for (size_t i = 0; i < fuzz_n_targets; i++) {
        enter(&f, argv[1], fuzz_targets[i]->name);
        fuzz_targets[i]->seeds(write_seed, &f);
    }
    return 0;
}
