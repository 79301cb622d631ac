/* A libFuzzer program of one target of target.h: FUZZ_TARGET. */
#include <config.h>

#include "fuzz.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FUZZ_TARGET.run(data, size);
    return 0;
}
