/* journal.h - the index's first stage: groups of records, appended.
 *
 * A group is written at once and carries a check sum, so that one which a
 * crash cut off is known as such. Once all was taken over it is emptied.
 *
 * Owner    ptd_journal_open()
 * Threads  one at a time
 */
#ifndef PTD_CHAIN_JOURNAL_H
#define PTD_CHAIN_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/index.h"
#include "pentad/attr.h"
#include "pentad/err.h"

enum {
    PTD_RECORD_BYTES = 72, /* on disk, without the id */
    PTD_META_BYTES = 28
};

/* The forms on disk, in the journal and in the database alike. */
void ptd_record_encode(const struct ptd_index_record *r,
                       uint8_t out[PTD_RECORD_BYTES]);
void ptd_record_decode(struct ptd_index_record *r, uint32_t id,
                       const uint8_t in[PTD_RECORD_BYTES]);
void ptd_meta_encode(const struct ptd_index_meta *m,
                     uint8_t out[PTD_META_BYTES]);
/* False: of a version that we do not know. */
PTD_MUST_USE bool ptd_meta_decode(struct ptd_index_meta *m,
                                  const uint8_t in[PTD_META_BYTES]);

struct ptd_journal;

/* PTD_OK; PTD_ENOMEM; PTD_EIO, PTD_EFULL (errno). */
PTD_MUST_USE enum ptd_err ptd_journal_open(struct ptd_journal **out,
                                           const char *path);
void ptd_journal_close(struct ptd_journal *j PTD_TAKES);

/* Append a group. PTD_OK; PTD_ENOMEM; PTD_EFULL; PTD_EIO: then nothing was
 * appended. */
PTD_MUST_USE enum ptd_err
ptd_journal_append(struct ptd_journal *j, const struct ptd_index_record *r,
                   size_t n, const struct ptd_index_meta *meta);

/* Give back all that was appended, in order, up to the first group that is not
 * whole; visit gets either a record or a meta record. PTD_OK; what visit
 * returned; PTD_ENOMEM; PTD_EIO. */
PTD_MUST_USE enum ptd_err
ptd_journal_replay(struct ptd_journal *j,
                   enum ptd_err (*visit)(void *arg, uint32_t id,
                                         const uint8_t *record,
                                         const uint8_t *meta),
                   void *arg);

/* Forget all. PTD_OK; PTD_EIO. */
PTD_MUST_USE enum ptd_err ptd_journal_clear(struct ptd_journal *j);

size_t ptd_journal_bytes(const struct ptd_journal *j);

#endif /* PTD_CHAIN_JOURNAL_H */
