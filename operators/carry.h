#pragma once

#include <cstdint>
#include <span>

#include "batch/batch.h"

namespace weir {

/// Rows that come of others, several of one or none: columns handed on, event times and origins are
/// those of the row that each comes of. `from`: that row, for each; `passes`: for each column of
/// `output` the column of `batch` handed on, or -1 where it is the next of `made`.
BatchPtr CarryOver(const Batch& batch, std::span<const uint32_t> from, std::span<const int> passes,
                   std::span<const ColumnPtr> made, SchemaPtr output);

}  // namespace weir
