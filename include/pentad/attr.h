/* attr.h - attributes used by every public header.
 *
 * Nothing here costs anything at run time; under a compiler that lacks an
 * attribute its macro is empty.
 */
#ifndef PTD_ATTR_H
#define PTD_ATTR_H

#ifdef __cplusplus
#define PTD_BEGIN_DECLS extern "C" {
#define PTD_END_DECLS }
#else
#define PTD_BEGIN_DECLS
#define PTD_END_DECLS
#endif

#if defined(__GNUC__) || defined(__clang__)
#define PTD_API __attribute__((visibility("default")))
#define PTD_MUST_USE __attribute__((warn_unused_result))
#define PTD_NONNULL(...) __attribute__((nonnull(__VA_ARGS__)))
#define PTD_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define PTD_NORETURN __attribute__((noreturn))
#else
#define PTD_API
#define PTD_MUST_USE
#define PTD_NONNULL(...)
#define PTD_PRINTF(fmt, first)
#define PTD_NORETURN
#endif

/* Marks an argument whose ownership passes to the callee. */
#define PTD_TAKES

#endif /* PTD_ATTR_H */
