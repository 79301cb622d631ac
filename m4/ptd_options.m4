# PTD_PROG_CC_C11: ask for C11 where the compiler's default is older.
AC_DEFUN([PTD_PROG_CC_C11], [
  PTD_APPEND_CFLAGS([PTD_CFLAGS], [-std=c11])
])

# PTD_APPEND_CFLAGS(VARIABLE, FLAGS): append each flag that the compiler takes
# without a warning.
AC_DEFUN([PTD_APPEND_CFLAGS], [
  for ptd_flag in m4_normalize([$2]); do
    AC_MSG_CHECKING([whether $CC takes $ptd_flag])
    ptd_save_cflags=$CFLAGS
    CFLAGS="$ptd_flag -Werror"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
      [AC_MSG_RESULT([yes]); $1="$$1 $ptd_flag"], [AC_MSG_RESULT([no])])
    CFLAGS=$ptd_save_cflags
  done
])

# PTD_OPTIONS: our --enable and --with switches.
AC_DEFUN([PTD_OPTIONS], [
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror],
    [turn compiler warnings into errors])], [], [enable_werror=no])
  AC_ARG_ENABLE([debug-locks], [AS_HELP_STRING([--enable-debug-locks],
    [abort on the first lock taken out of rank order])], [],
    [enable_debug_locks=no])
  AC_ARG_ENABLE([fuzzing], [AS_HELP_STRING([--enable-fuzzing],
    [build tests/fuzz with libFuzzer (clang)])], [], [enable_fuzzing=no])
  AC_ARG_ENABLE([coverage], [AS_HELP_STRING([--enable-coverage],
    [instrument for gcov])], [], [enable_coverage=no])
  AC_ARG_WITH([sanitizer], [AS_HELP_STRING([--with-sanitizer=LIST],
    [build with -fsanitize=LIST, such as address,undefined or thread])],
    [], [with_sanitizer=])

  AS_IF([test "x$enable_werror" = xyes], [PTD_CFLAGS="$PTD_CFLAGS -Werror"])
  AS_IF([test "x$enable_debug_locks" = xyes],
    [AC_DEFINE([PTD_DEBUG_LOCKS], [1], [Check the rank of every lock taken.])])
  AS_IF([test "x$enable_coverage" = xyes], [
    PTD_CFLAGS="$PTD_CFLAGS --coverage"
    PTD_LDFLAGS="$PTD_LDFLAGS --coverage"])
  AS_IF([test -n "$with_sanitizer"], [
    PTD_CFLAGS="$PTD_CFLAGS -fsanitize=$with_sanitizer -fno-omit-frame-pointer -fno-sanitize-recover=all"
    PTD_LDFLAGS="$PTD_LDFLAGS -fsanitize=$with_sanitizer"
    AC_DEFINE([PTD_SANITIZER], [1], [Built with a sanitizer: stacks are larger.])])
  AS_IF([test "x$enable_fuzzing" = xyes],
    [PTD_CFLAGS="$PTD_CFLAGS -fsanitize=fuzzer-no-link"])
  AM_CONDITIONAL([FUZZING], [test "x$enable_fuzzing" = xyes])
  AM_CONDITIONAL([SANITIZED], [test -n "$with_sanitizer"])

  # Newer clang checks a guard named by a sibling member exactly. Some versions
  # parse it, and then do not know whose sibling it is: they warn here.
  AC_MSG_CHECKING([for late parsing of lock attributes])
  ptd_save_cflags=$CFLAGS
  CFLAGS="-Werror -Wthread-safety -fexperimental-late-parse-attributes"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
      struct __attribute__((capability("mutex"))) m { int x; };
      struct s { int v __attribute__((guarded_by(mu))); struct m mu; };
      void lock(struct m *m) __attribute__((acquire_capability(*m)));
      void unlock(struct m *m) __attribute__((release_capability(*m)));
      int get(struct s *s);
      int get(struct s *s)
      { int v; lock(&s->mu); v = s->v; unlock(&s->mu); return v; }]], [])],
    [AC_MSG_RESULT([yes])
     PTD_CFLAGS="$PTD_CFLAGS -fexperimental-late-parse-attributes"
     AC_DEFINE([PTD_LATE_PARSE], [1], [guarded_by() may name a later member.])],
    [AC_MSG_RESULT([no])])
  CFLAGS=$ptd_save_cflags
])

# PTD_WITH_ZMQ: publishers on ZeroMQ, where libzmq is found.
AC_DEFUN([PTD_WITH_ZMQ], [
  AC_ARG_WITH([zmq], [AS_HELP_STRING([--without-zmq],
    [leave out the ZeroMQ publishers @<:@default: only without libzmq@:>@])],
    [], [with_zmq=check])
  have_zmq=no
  AS_IF([test "x$with_zmq" != xno],
    [PKG_CHECK_MODULES([ZMQ], [libzmq >= 4.1], [have_zmq=yes], [have_zmq=no])])
  AS_IF([test "x$with_zmq" = xyes && test "x$have_zmq" = xno],
    [AC_MSG_ERROR([libzmq not found (Debian: libzmq3-dev)])])
  AS_IF([test "x$have_zmq" = xyes],
    [AC_DEFINE([HAVE_ZMQ], [1], [Built with ZeroMQ publishers.])])
  AM_CONDITIONAL([HAVE_ZMQ], [test "x$have_zmq" = xyes])
])

# PTD_VECTORS: where the real blocks and BIP vectors are; tests that want one
# are skipped, and say so, where the folder is absent.
AC_DEFUN([PTD_VECTORS], [
  AC_ARG_WITH([vectors], [AS_HELP_STRING([--with-vectors=DIR],
    [real blocks, headers and BIP vectors for tests [../shared/vectors beside the source]])],
    [], [with_vectors=])
  AS_IF([test -n "$with_vectors"], [PTD_VECTORS_DIR=$with_vectors],
    [PTD_VECTORS_DIR=`cd "$srcdir" && pwd`/../shared/vectors])
  AC_SUBST([PTD_VECTORS_DIR])
])
