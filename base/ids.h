#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace weir {

/// Number of a checkpoint, from 1 without gaps along the log of manifests; 0 is "none yet".
struct Epoch {
  uint64_t value = 0;
  constexpr auto operator<=>(const Epoch&) const = default;
  constexpr Epoch Next() const { return {value + 1}; }
};

/// Keys fall into this many slots for ever; a task owns a range of them.
inline constexpr uint32_t kKeySlots = 4096;

/// The slot of a key: `hash(key) % kKeySlots`, the hash as in `batch/hash.h`.
using KeySlot = uint16_t;

/// Half-open range [begin, end) of key slots, 0 <= begin <= end <= kKeySlots.
struct SlotRange {
  uint32_t begin = 0;
  uint32_t end = kKeySlots;
  constexpr bool Contains(KeySlot slot) const { return slot >= begin && slot < end; }
  constexpr auto operator<=>(const SlotRange&) const = default;
};

/// The share of task `index` of `parallelism`: ranges of all tasks cover every slot once.
constexpr SlotRange SlotsOf(uint32_t index, uint32_t parallelism) {
  return {index * kKeySlots / parallelism, (index + 1) * kKeySlots / parallelism};
}

/// The task that owns `slot` when there are `parallelism` tasks; the inverse of SlotsOf.
constexpr uint32_t OwnerOf(KeySlot slot, uint32_t parallelism) {
  return ((static_cast<uint32_t>(slot) + 1) * parallelism - 1) / kKeySlots;
}

/// 128 random bits as 32 hex digits, from the system's source of randomness.
std::string RandomId();

}  // namespace weir
