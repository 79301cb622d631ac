/* target.h - fuzz targets of other things than messages: what is done with an
 * input, and inputs to begin with.
 *
 * Each is a constant that a program of its own (fuzz_main.c) and the programs
 * that use all of them (targets.c) refer to. A target aborts where a claim does
 * not hold.
 *
 * Threads  one
 */
#ifndef PTD_FUZZ_TARGET_H
#define PTD_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* data is freed, or changed, when it returns. */
typedef void fuzz_seed_fn(void *arg, const uint8_t *data, size_t size);

struct fuzz_target {
    const char *name; /* as in tests/fuzz/fuzz_NAME */
    void (*run)(const uint8_t *data, size_t size);
    void (*seeds)(fuzz_seed_fn *fn, void *arg);
};

extern const struct fuzz_target fuzz_peersfile;
extern const struct fuzz_target fuzz_anchors;
extern const struct fuzz_target fuzz_asmap;
extern const struct fuzz_target fuzz_banlist;
extern const struct fuzz_target fuzz_portmap;
extern const struct fuzz_target fuzz_subnet;
extern const struct fuzz_target fuzz_conf;
extern const struct fuzz_target fuzz_settings;
extern const struct fuzz_target fuzz_rpc;
extern const struct fuzz_target fuzz_rpcauth;
extern const struct fuzz_target fuzz_blockfile;
extern const struct fuzz_target fuzz_journal;
extern const struct fuzz_target fuzz_chainload;
extern const struct fuzz_target fuzz_headertree;
extern const struct fuzz_target fuzz_address;
extern const struct fuzz_target fuzz_partial;

/* All of them. */
extern const struct fuzz_target *const fuzz_targets[];
extern const size_t fuzz_n_targets;

/* ---- for targets ----------------------------------------------------- */

/* A text of an input, with a NUL, of malloc; NULL if the input holds one. */
char *fuzz_text(const uint8_t *data, size_t size);

/* Seeds that are texts. */
void fuzz_give_texts(fuzz_seed_fn *fn, void *arg, const char *const *texts,
                     size_t n);

/* The path of a file with this content; the next call overwrites it, the end
 * of the process removes it. */
const char *fuzz_file(const void *data, size_t size);

/* Put the right check sum into every whole group of an index's journal. */
void fuzz_journal_sums(uint8_t *p, size_t n);

#endif /* PTD_FUZZ_TARGET_H */
