/* opcode.h - operations of scripts that somebody here knows by name.
 *
 * Nothing runs them: scripts are counted, read as addresses, and shown.
 *
 * Source   Bitcoin Core's script/script.h
 */
#ifndef PTD_CHAIN_OPCODE_H
#define PTD_CHAIN_OPCODE_H

enum {
    OP_0 = 0x00,
    OP_PUSHDATA1 = 0x4c,
    OP_PUSHDATA2 = 0x4d,
    OP_PUSHDATA4 = 0x4e,
    OP_1NEGATE = 0x4f,
    OP_RESERVED = 0x50,
    OP_1 = 0x51,
    OP_16 = 0x60,
    OP_NOP = 0x61,
    OP_RETURN = 0x6a,
    OP_DUP = 0x76,
    OP_EQUAL = 0x87,
    OP_EQUALVERIFY = 0x88,
    OP_HASH160 = 0xa9,
    OP_CHECKSIG = 0xac,
    OP_CHECKSIGVERIFY = 0xad,
    OP_CHECKMULTISIG = 0xae,
    OP_CHECKMULTISIGVERIFY = 0xaf,
    OP_CHECKSIGADD = 0xba,
    OP_INVALID = 0xff
};

#endif /* PTD_CHAIN_OPCODE_H */
