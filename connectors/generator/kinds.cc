#include <array>

#include "connectors/generator/kind.h"

namespace weir {

std::span<const GeneratorKind* const> AllGeneratorKinds() {
  static const std::array<const GeneratorKind*, 4> kinds = {
      &ClickstreamKind(),
      &StockKind(),
      &TaxiKind(),
      &BlogKind(),
  };
  return kinds;
}

}  // namespace weir
