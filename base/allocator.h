#pragma once

namespace weir {

/// Lets the process keep up to 16 MiB of freed memory in each of the allocator's arenas. For
/// processes through which batches flow all the time; to be called first in main. Otherwise glibc
/// gives the pages of each batch back to the kernel, which has to clear them for the next one: half
/// of the processor time of receiving batches.
void KeepFreedMemory();

}  // namespace weir
