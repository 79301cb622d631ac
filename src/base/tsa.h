/* tsa.h - clang's thread-safety attributes, and which lock guards what.
 *
 * Functions get the exact check. Members get it where the compiler can parse a
 * sibling's name there (PTD_LATE_PARSE, found out by configure); elsewhere the
 * macro names the lock for the reader and asks that some lock be held.
 */
#ifndef PTD_BASE_TSA_H
#define PTD_BASE_TSA_H

#if defined(__clang__)
#define PTD_TSA(x) __attribute__((x))
#else
#define PTD_TSA(x)
#endif

#define PTD_CAPABILITY(x) PTD_TSA(capability(x))
#ifdef PTD_LATE_PARSE
#define PTD_GUARDED_BY(mu) PTD_TSA(guarded_by(mu))
#else
#define PTD_GUARDED_BY(mu) PTD_TSA(guarded_var)
#endif
#define PTD_REQUIRES(...) PTD_TSA(requires_capability(__VA_ARGS__))
#define PTD_EXCLUDES(...) PTD_TSA(locks_excluded(__VA_ARGS__))
#define PTD_ACQUIRE(...) PTD_TSA(acquire_capability(__VA_ARGS__))
#define PTD_TRY_ACQUIRE(...) PTD_TSA(try_acquire_capability(__VA_ARGS__))
#define PTD_RELEASE(...) PTD_TSA(release_capability(__VA_ARGS__))
#define PTD_NO_TSA PTD_TSA(no_thread_safety_analysis)

#endif /* PTD_BASE_TSA_H */
