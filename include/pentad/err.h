/* err.h - the one error type.
 *
 * Whatever can fail returns enum ptd_err; outputs go by pointer and mean
 * nothing after a failure.
 */
#ifndef PTD_ERR_H
#define PTD_ERR_H

#include "pentad/attr.h"

PTD_BEGIN_DECLS

/* Name and text side by side; ptd_err_text() and ptd_err_name() are made from
 * the same list. New members go to the end: the numbers are part of the ABI. */
#define PTD_ERRORS(X)                                                          \
    X(PTD_OK, "success")                                                       \
    X(PTD_ENOMEM, "out of memory")                                             \
    X(PTD_ECLOSED, "peer or channel is closed")                                \
    X(PTD_EFULL, "no room left")                                               \
    X(PTD_EEMPTY, "nothing there")                                             \
    X(PTD_ETIMEOUT, "deadline has passed")                                     \
    X(PTD_EAGAIN, "try again later")                                           \
    X(PTD_EINVAL, "invalid argument")                                          \
    X(PTD_ENOTFOUND, "not found")                                              \
    X(PTD_EEXIST, "exists already")                                            \
    X(PTD_ELIMIT, "a limit of the system or the configuration is reached")     \
    X(PTD_ESHORT, "message ends early")                                        \
    X(PTD_ETRAILING, "bytes left over behind the message")                     \
    X(PTD_ETOOBIG, "count or length above its limit")                          \
    X(PTD_ENONCANON, "compact size is not in its shortest form")               \
    X(PTD_EBADVALUE, "field has a value that is not allowed")                  \
    X(PTD_EMAGIC, "wrong network magic")                                       \
    X(PTD_ECHECKSUM, "wrong checksum")                                         \
    X(PTD_ECOMMAND, "invalid message type")                                    \
    X(PTD_EUNKNOWN, "unknown message type")                                    \
    X(PTD_EVERSION, "not part of this protocol version")                       \
    X(PTD_EPROTO, "peer broke the protocol")                                   \
    X(PTD_ESELF, "connected to self")                                          \
    X(PTD_EREJECTED, "rejected by the owner")                                  \
    X(PTD_EIO, "input or output failed")                                       \
    X(PTD_EEOF, "connection closed by the other side")                         \
    X(PTD_EREFUSED, "connection refused")                                      \
    X(PTD_EUNREACH, "address cannot be reached")                               \
    X(PTD_ERESOLVE, "name cannot be resolved")                                 \
    X(PTD_EPROXY, "proxy refused or failed")                                   \
    X(PTD_EPOW, "proof of work is invalid")                                    \
    X(PTD_ECRYPTO, "cryptographic library failed")

#define PTD_ERR_NAME_(name, text) name,
enum ptd_err { PTD_ERRORS(PTD_ERR_NAME_) PTD_N_ERRORS };
#undef PTD_ERR_NAME_

/* One line for people, without a final stop; never NULL.
 *
 * Thread   any
 */
PTD_API const char *ptd_err_text(enum ptd_err e);

/* The constant's own name, such as "PTD_ECLOSED"; never NULL.
 *
 * Thread   any
 */
PTD_API const char *ptd_err_name(enum ptd_err e);

PTD_END_DECLS

#endif /* PTD_ERR_H */
