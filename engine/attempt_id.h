#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace weir {

/// One attempt at running a job: under which leader's term it was begun, and its number, which
/// rises over the job's whole life, over terms too. Later is greater.
struct AttemptId {
  uint64_t term = 0;
  uint64_t number = 0;  ///< From 1; 0: none.
  constexpr auto operator<=>(const AttemptId&) const = default;
  std::string ToString() const { return std::to_string(term) + "." + std::to_string(number); }
};

}  // namespace weir
