/* pentad: the node. All of it is in the node room. */
#include <config.h>

#include "node/node.h"

int main(int argc, char **argv)
{
    return ptd_node_program(argc, argv);
}
