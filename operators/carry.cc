#include "operators/carry.h"

#include <utility>

namespace weir {

BatchPtr CarryOver(const Batch& batch, std::span<const uint32_t> from, std::span<const int> passes,
                   std::span<const ColumnPtr> made, SchemaPtr output) {
  std::vector<ColumnPtr> columns;
  columns.reserve(passes.size());
  size_t next_made = 0;
  for (const int pass : passes) {
    columns.push_back(pass >= 0 ? Take(batch.columns()[static_cast<size_t>(pass)], from)
                                : made[next_made++]);
  }
  const auto taken = [&]<typename T>(const std::shared_ptr<const std::vector<T>>& values)
      -> std::shared_ptr<const std::vector<T>> {
    if (!values) return nullptr;
    auto some = std::make_shared<std::vector<T>>();
    some->reserve(from.size());
    for (const uint32_t row : from) some->push_back((*values)[row]);
    return some;
  };
  return std::make_shared<const Batch>(std::move(output), from.size(), std::move(columns),
                                       taken(batch.times()), taken(batch.origins()));
}

}  // namespace weir
