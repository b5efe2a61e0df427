#pragma once

#include <bit>
#include <cstring>
#include <string>
#include <string_view>

#include "expr/aggregates/aggregate_function.h"

namespace weir {

/// Calls `f(state, value row)` for every value that is not null, in the order of the input's rows.
/// Each shape of the input has a loop of its own.
template <typename F>
void ForEachValue(const Accumulator::Input& input, F f) {
  const uint32_t* rows = input.rows.data();
  std::byte* const* states = input.states.data();
  const size_t offset = input.offset;
  const size_t count = input.rows.size();
  if (input.constant) {
    if (input.values->IsNull(0)) return;
    for (size_t k = 0; k < count; k++) f(states[rows[k]] + offset, 0);
  } else if (input.values->has_nulls()) {
    const uint8_t* there = input.values->validity().data();
    for (size_t k = 0; k < count; k++) {
      const size_t at = input.by_batch_row ? rows[k] : k;
      if (there[at] != 0) f(states[rows[k]] + offset, at);
    }
  } else if (input.by_batch_row) {
    for (size_t k = 0; k < count; k++) f(states[rows[k]] + offset, rows[k]);
  } else {
    for (size_t k = 0; k < count; k++) f(states[rows[k]] + offset, k);
  }
}

template <typename T>
T& As(std::byte* state) {
  return *reinterpret_cast<T*>(state);
}
template <typename T>
const T& As(const std::byte* state) {
  return *reinterpret_cast<const T*>(state);
}

/// Fixed-width values are written in little-endian order.
template <typename T>
void Put(std::string& out, T value) {
  static_assert(std::endian::native == std::endian::little);
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}
template <typename T>
bool Get(std::string_view& bytes, T& value) {
  if (bytes.size() < sizeof(T)) return false;
  std::memcpy(&value, bytes.data(), sizeof(T));
  bytes.remove_prefix(sizeof(T));
  return true;
}
/// Text: its length in 4 bytes, then its bytes.
inline void PutText(std::string& out, std::string_view text) {
  Put(out, static_cast<uint32_t>(text.size()));
  out += text;
}
inline bool GetText(std::string_view& bytes, std::string_view& text) {
  uint32_t length = 0;
  if (!Get(bytes, length) || bytes.size() < length) return false;
  text = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return true;
}

}  // namespace weir
