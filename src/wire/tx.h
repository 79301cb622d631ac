/* tx.h - transactions inside messages: tx, block, blocktxn, cmpctblock.
 *
 * Reading takes two walks over the bytes. The first, ptd_tx_scan(), checks
 * everything and adds up what is needed; then memory is taken once, exactly;
 * the second, ptd_tx_fill(), cannot fail any more. So a malformed block costs
 * no memory at all, and a good one no more than its parts.
 *
 * Source   BIP 144
 */
#ifndef PTD_WIRE_TX_H
#define PTD_WIRE_TX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/codec.h"

/* The least that each part takes on the wire, in bytes. */
enum {
    PTD_TX_MIN_BYTES = 10,    /* version, two counts, lock time */
    PTD_TX_IN_MIN_BYTES = 41, /* outpoint, script length, sequence */
    PTD_TX_OUT_MIN_BYTES = 9  /* value, script length */
};

/* Parts of all transactions of a message: how many (while scanning), and where
 * the next ones go (while filling). */
struct ptd_tx_room {
    size_t n_in;
    size_t n_out;
    size_t n_items; /* witness items */
    struct ptd_tx_in *in;
    struct ptd_tx_out *out;
    struct ptd_bytes *items;
};

/* Check the next transaction and add its parts to need; errors are left in
 * r. */
void ptd_tx_scan(struct ptd_reader *r, struct ptd_tx_room *need,
                 const struct ptd_codec *cx);

/* Take memory for what was scanned, and for n_more elements of size bytes,
 * which go to *more. False, with the error left in r, for lack of it. */
PTD_MUST_USE bool ptd_tx_room_alloc(struct ptd_msg *m, struct ptd_reader *r,
                                    struct ptd_tx_room *room, void **more,
                                    size_t n_more, size_t size);

/* Read a transaction that was scanned. */
void ptd_tx_fill(struct ptd_tx *tx, struct ptd_reader *r,
                 struct ptd_tx_room *room, const struct ptd_codec *cx);

/* Read n transactions that follow each other; NULL, with the error left in r,
 * if that fails. */
struct ptd_tx *ptd_read_txs(struct ptd_msg *m, struct ptd_reader *r, uint32_t n,
                            const struct ptd_codec *cx);

/* PTD_EBADVALUE: no inputs, but outputs, in PTD_ENC_WITNESS, where that would
 * read as the marker of another form. */
void ptd_write_tx(struct ptd_writer *w, const struct ptd_tx *tx,
                  enum ptd_encoding encoding);

/* True if some input has witness items: looks, and does not trust the flag
 * that the maker of a message may have forgotten. */
bool ptd_tx_has_items(const struct ptd_tx *tx);

/* Of tx, block, blocktxn, cmpctblock: their layout is the encoding. */
uint32_t ptd_tx_layout(enum ptd_msg_type type, const struct ptd_codec *cx);

#endif /* PTD_WIRE_TX_H */
