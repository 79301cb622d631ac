#include <config.h>

#include "check_netsync.h"
#include "scene.h"

TCase *tcase_announce(void)
{
    return tcase_create("announce");
}
