/* list.h - doubly linked lists whose links lie inside the elements.
 *
 * The head is a link too, so that no case is special. An element that is in no
 * list has a link of zeros or one that ptd_list_remove() left behind.
 *
 *     struct job { struct ptd_link link; int n; };
 *     struct ptd_link jobs;
 *     ptd_list_init(&jobs);
 *     ptd_list_append(&jobs, &job->link);
 *     PTD_LIST_EACH(job, &jobs, struct job, link)
 *         use(job->n);
 */
#ifndef PTD_BASE_LIST_H
#define PTD_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"

struct ptd_link {
    struct ptd_link *next; /* NULL: in no list */
    struct ptd_link *prev;
};

static inline void ptd_list_init(struct ptd_link *head)
{
    head->next = head->prev = head;
}

static inline bool ptd_list_is_empty(const struct ptd_link *head)
{
    return head->next == head;
}

static inline bool ptd_link_is_linked(const struct ptd_link *l)
{
    return l->next != NULL;
}

/* Put l, which is in no list, before another link. */
static inline void ptd_list_insert_before(struct ptd_link *at,
                                          struct ptd_link *l)
{
    l->next = at;
    l->prev = at->prev;
    at->prev->next = l;
    at->prev = l;
}

static inline void ptd_list_append(struct ptd_link *head, struct ptd_link *l)
{
    ptd_list_insert_before(head, l);
}

static inline void ptd_list_prepend(struct ptd_link *head, struct ptd_link *l)
{
    ptd_list_insert_before(head->next, l);
}

/* Take l out of its list; harmless if it is in none. */
static inline void ptd_list_remove(struct ptd_link *l)
{
    if (l->next == NULL)
        return;
    l->next->prev = l->prev;
    l->prev->next = l->next;
    l->next = l->prev = NULL;
}

/* The first link, NULL if the list is empty. */
static inline struct ptd_link *ptd_list_first(const struct ptd_link *head)
{
    return head->next != head ? head->next : NULL;
}

/* Take out the first link and give it; NULL if the list is empty. */
static inline struct ptd_link *ptd_list_pop(struct ptd_link *head)
{
    struct ptd_link *l = ptd_list_first(head);

    if (l != NULL)
        ptd_list_remove(l);
    return l;
}

/* Move all links of `from` behind those of `to`; from is empty afterwards. */
static inline void ptd_list_move_all(struct ptd_link *to, struct ptd_link *from)
{
    if (ptd_list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    ptd_list_init(from);
}

/* Walk the list; the body must not remove the element it is at, except to
 * leave the loop. */
#define PTD_LIST_EACH(var, head, type, member)                                 \
    for (type *var = PTD_CONTAINER_OF((head)->next, type, member);             \
         &var->member != (head);                                               \
         var = PTD_CONTAINER_OF(var->member.next, type, member))

/* Walk the list; the body may remove or free the element it is at, no other. */
#define PTD_LIST_EACH_SAFE(var, tmp, head, type, member)                       \
    for (type *var = PTD_CONTAINER_OF((head)->next, type, member),             \
              *tmp = PTD_CONTAINER_OF(var->member.next, type, member);         \
         &var->member != (head);                                               \
         var = tmp, tmp = PTD_CONTAINER_OF(tmp->member.next, type, member))

#endif /* PTD_BASE_LIST_H */
