#include <config.h>

#include "check_netsync.h"
#include "scene.h"

TCase *tcase_compact(void)
{
    return tcase_create("compact");
}
