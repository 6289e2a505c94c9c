/* Includes the header a second time in one program: nothing in it may be defined twice. */
#include "countersign.h"

uint32_t second_unit(void);

uint32_t second_unit(void) {
    return countersign_abi_version();
}
