#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace weir {

/// One run of a job, from its newest manifest to its end or first failure. The number rises over a
/// job's whole life, over the terms of its managers too.
struct AttemptId {
  uint64_t term = 0;
  uint64_t number = 0;
  auto operator<=>(const AttemptId&) const = default;
  std::string ToString() const {
    return std::to_string(number) + " of term " + std::to_string(term);
  }
};

}  // namespace weir
