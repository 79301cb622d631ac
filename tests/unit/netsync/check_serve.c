#include <config.h>

#include "check_netsync.h"
#include "scene.h"

TCase *tcase_serve(void)
{
    return tcase_create("serve");
}
