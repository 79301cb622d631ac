#include <config.h>

#include "check_base.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/ref.h"

struct item {
    char name;
    struct ptd_link link;
};

/* The names in the list, forwards; checks that backwards is the same. */
static const char *names(const struct ptd_link *head)
{
    static char text[16];
    size_t n = 0;
    const struct ptd_link *l = head->prev;

    PTD_LIST_EACH(it, head, struct item, link)
    text[n++] = it->name;
    text[n] = '\0';
    for (; l != head; l = l->prev)
        ck_assert_int_eq(
            ((const struct item *)(const void *)((const char *)l -
                                                 offsetof(struct item, link)))
                ->name,
            text[--n]);
    ck_assert_uint_eq(n, 0);
    return text;
}

START_TEST(list_keeps_the_order_of_what_is_put_in_and_taken_out)
{
    struct item a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };
    struct ptd_link head;

    ptd_list_init(&head);
    ck_assert(ptd_list_is_empty(&head));
    ck_assert_ptr_null(ptd_list_first(&head));
    ck_assert_ptr_null(ptd_list_pop(&head));
    ck_assert_str_eq(names(&head), "");

    ptd_list_append(&head, &b.link);
    ptd_list_append(&head, &c.link);
    ptd_list_prepend(&head, &a.link);
    ck_assert_str_eq(names(&head), "abc");
    ck_assert(ptd_link_is_linked(&b.link));
    ptd_list_remove(&b.link);
    ck_assert(!ptd_link_is_linked(&b.link));
    ptd_list_remove(&b.link);
    ck_assert_str_eq(names(&head), "ac");
    ptd_list_insert_before(&c.link, &b.link);
    ck_assert_str_eq(names(&head), "abc");
    ck_assert_ptr_eq(ptd_list_pop(&head), &a.link);
    ck_assert_ptr_eq(ptd_list_pop(&head), &b.link);
    ck_assert_ptr_eq(ptd_list_first(&head), &c.link);
    ck_assert_ptr_eq(ptd_list_pop(&head), &c.link);
    ck_assert(ptd_list_is_empty(&head));
}
END_TEST

START_TEST(list_safe_walk_lets_the_body_remove)
{
    struct item items[6];
    struct ptd_link head;

    ptd_list_init(&head);
    for (size_t i = 0; i < 6; i++) {
        items[i].name = (char)('a' + i);
        ptd_list_append(&head, &items[i].link);
    }
    PTD_LIST_EACH_SAFE(it, next, &head, struct item, link)
    {
        if ((it->name - 'a') % 2 == 0) {
            ptd_list_remove(&it->link);
            memset(it, 0xff, sizeof *it);
        }
    }
    ck_assert_str_eq(names(&head), "bdf");
}
END_TEST

START_TEST(list_moves_whole_lists)
{
    struct item items[4];
    struct ptd_link to, from;

    ptd_list_init(&to);
    ptd_list_init(&from);
    ptd_list_move_all(&to, &from);
    ck_assert_str_eq(names(&to), "");
    for (size_t i = 0; i < 4; i++) {
        items[i].name = (char)('a' + i);
        ptd_list_append(i < 2 ? &to : &from, &items[i].link);
    }
    ptd_list_move_all(&to, &from);
    ck_assert_str_eq(names(&to), "abcd");
    ck_assert(ptd_list_is_empty(&from));
    ptd_list_move_all(&from, &to);
    ck_assert_str_eq(names(&from), "abcd");
    ck_assert(ptd_list_is_empty(&to));
}
END_TEST

START_TEST(ref_tells_the_last_one)
{
    struct ptd_ref r;

    ptd_ref_init(&r);
    ck_assert(ptd_ref_is_last(&r));
    ptd_ref_get(&r);
    ck_assert(!ptd_ref_is_last(&r));
    ck_assert(!ptd_ref_put(&r));
    ck_assert(ptd_ref_put(&r));
}
END_TEST

struct counting_mem {
    struct ptd_mem mem;
    size_t n_out, bytes_out;
};

static void *counting_alloc(struct ptd_mem *mem, size_t bytes)
{
    struct counting_mem *m = PTD_CONTAINER_OF(mem, struct counting_mem, mem);

    m->n_out++;
    m->bytes_out += bytes;
    return malloc(bytes);
}

static void counting_release(struct ptd_mem *mem, void *p, size_t bytes)
{
    struct counting_mem *m = PTD_CONTAINER_OF(mem, struct counting_mem, mem);

    m->n_out--;
    m->bytes_out -= bytes;
    free(p);
}

START_TEST(buf_goes_back_where_it_came_from_with_the_last_reference)
{
    struct counting_mem m = { { counting_alloc, counting_release }, 0, 0 };
    struct ptd_buf *b = ptd_buf_new(&m.mem, 1000);

    ck_assert_ptr_nonnull(b);
    ck_assert_uint_eq(b->cap, 1000);
    memset(b->data, 1, b->cap);
    ck_assert_ptr_eq(ptd_buf_ref(b), b);
    ptd_buf_free(b);
    ck_assert_uint_eq(m.n_out, 1);
    ptd_buf_free(b);
    ck_assert_uint_eq(m.n_out, 0);
    ck_assert_uint_eq(m.bytes_out, 0);
    ptd_buf_free(NULL);
    b = ptd_buf_new(NULL, 0);
    ck_assert_ptr_nonnull(b);
    ptd_buf_free(b);
    ck_assert_ptr_null(ptd_buf_new(NULL, SIZE_MAX));
}
END_TEST

Suite *suite_list(void)
{
    Suite *s = suite_create("lists and references");
    TCase *tc = tcase_create("lists and references");

    tcase_set_timeout(tc, 10);
    tcase_add_test(tc, list_keeps_the_order_of_what_is_put_in_and_taken_out);
    tcase_add_test(tc, list_safe_walk_lets_the_body_remove);
    tcase_add_test(tc, list_moves_whole_lists);
    tcase_add_test(tc, ref_tells_the_last_one);
    tcase_add_test(tc,
                   buf_goes_back_where_it_came_from_with_the_last_reference);
    suite_add_tcase(s, tc);
    return s;
}
