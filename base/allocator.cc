#include "base/allocator.h"

#include <malloc.h>

namespace weir {

void KeepFreedMemory() {
#ifdef __GLIBC__
  // Larger blocks, of which there are few, still go back at once.
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
#endif
}

}  // namespace weir
