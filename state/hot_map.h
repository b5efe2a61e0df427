#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "state/entry_arena.h"

namespace weir {

/// An entry in memory: this header, what its table adds, the row (8-aligned), then the key's bytes.
struct Entry {
  static constexpr uint32_t kClean = 0xffffffff;
  enum Flag : uint32_t {
    kErased = 1,      ///< No row: known to be gone, which the store does not know yet.
    kStored = 2,      ///< The stores may hold the entry.
    kInFlight = 4,    ///< Sealed, and the checkpoint is not complete yet: must stay in memory.
    kReferenced = 8,  ///< Used since the eviction hand came by.
    kSpilling = 16,   ///< Chosen for eviction, being written.
  };
  uint64_t hash;  ///< Of the key.
  uint32_t key_size;
  uint32_t dirty_index;  ///< Place in the list of changed entries, or kClean.
  uint32_t heap_units;   ///< Heap that the row owned when last looked at, in units of 64 bytes.
  uint32_t flags;

  bool Has(Flag flag) const { return (flags & flag) != 0; }
  void Set(Flag flag) { flags |= flag; }
  void Clear(Flag flag) { flags &= ~static_cast<uint32_t>(flag); }
  bool dirty() const { return dirty_index != kClean; }
};

/// Changed entries; an entry knows its place, so that it can be taken off at once.
class ChangedList {
 public:
  void Add(Entry* entry) {
    if (entry->dirty()) return;
    entry->dirty_index = static_cast<uint32_t>(entries_.size());
    entries_.push_back(entry);
  }
  void Remove(Entry* entry) {
    if (!entry->dirty()) return;
    Entry* last = entries_.back();
    entries_[entry->dirty_index] = last;
    last->dirty_index = entry->dirty_index;
    entries_.pop_back();
    entry->dirty_index = Entry::kClean;
  }
  std::vector<Entry*> Take() { return std::exchange(entries_, {}); }
  const std::vector<Entry*>& entries() const { return entries_; }
  size_t size() const { return entries_.size(); }

 private:
  std::vector<Entry*> entries_;
};

/// An open-addressing table of pointers to entries. `E` has `uint64_t place_hash() const`. Slots
/// are 8 bytes: 48 bits of pointer, 16 bits of hash. One thread.
template <typename E>
class HotMap {
 public:
  /// The entry with this hash for which `equal(entry)` holds; null where there is none.
  template <typename Equal>
  E* Find(uint64_t hash, Equal equal) const {
    if (size_ == 0) return nullptr;
    const uint64_t tag = TagOf(hash);
    for (size_t i = HomeOf(hash);; i = (i + 1) & mask_) {
      const uint64_t slot = slots_[i];
      if (slot == 0) return nullptr;
      if ((slot >> 48) == tag) {
        E* entry = PointerOf(slot);
        if (entry->place_hash() == hash && equal(*entry)) return entry;
      }
    }
  }
  /// Brings the entries that Find will be asked for with these hashes near. Costs little where
  /// there are none; only speed depends on it. Inline always, as all that prefetches: g++ takes a
  /// call of what does nothing else for one without effect, and drops it.
  [[gnu::always_inline]] void Prefetch(std::span<const uint64_t> hashes) const {
    if (size_ == 0) return;
    for (const uint64_t hash : hashes) __builtin_prefetch(&slots_[HomeOf(hash)]);
    for (const uint64_t hash : hashes) {
      const uint64_t tag = TagOf(hash);
      for (size_t i = HomeOf(hash); slots_[i] != 0; i = (i + 1) & mask_) {
        if ((slots_[i] >> 48) != tag) continue;
        PrefetchEntry(slots_[i]);
        break;
      }
    }
  }
  /// `entry` is not in the table, nor one equal to it.
  void Insert(E* entry) {
    if ((size_ + 1) * 4 > slots_.size() * 3) Resize(slots_.empty() ? 16 : slots_.size() * 2);
    Put(entry);
    size_++;
  }
  void Erase(const E* entry) { EraseAt(IndexOf(entry)); }
  /// Puts `to` in the place of `from`, which has the same hash.
  void Replace(const E* from, E* to) { slots_[IndexOf(from)] = Pack(to, to->place_hash()); }

  size_t size() const { return size_; }
  size_t capacity() const { return slots_.size(); }
  /// The entry in slot `i`, or null.
  E* At(size_t i) const { return slots_[i] == 0 ? nullptr : PointerOf(slots_[i]); }
  /// Brings the entry near that a walk over the slots comes to soon after slot `i`.
  [[gnu::always_inline]] void PrefetchAfter(size_t i) const {
    if (i + kAhead < slots_.size() && slots_[i + kAhead] != 0) PrefetchEntry(slots_[i + kAhead]);
  }
  /// Takes slot `i` out; another entry may move into it.
  void EraseAt(size_t i) {
    size_--;
    size_t hole = i;
    for (size_t k = (hole + 1) & mask_; slots_[k] != 0; k = (k + 1) & mask_) {
      const size_t home = HomeOf(PointerOf(slots_[k])->place_hash());
      // An entry may move back only as far as its home.
      if (((k - home) & mask_) >= ((k - hole) & mask_)) {
        slots_[hole] = slots_[k];
        hole = k;
      }
    }
    slots_[hole] = 0;
  }
  /// Gives memory back when few entries are left.
  void Shrink() {
    size_t wanted = slots_.size();
    while (wanted > 16 && size_ * 8 < wanted) wanted /= 2;
    if (wanted != slots_.size()) Resize(wanted);
  }
  size_t MemoryBytes() const { return slots_.size() * sizeof(uint64_t); }

 private:
  static constexpr size_t kAhead = 24;  // Slots that a walk is ahead with prefetching.

  [[gnu::always_inline]] static void PrefetchEntry(uint64_t slot) {
    const auto* entry = reinterpret_cast<const std::byte*>(PointerOf(slot));
    __builtin_prefetch(entry);
    __builtin_prefetch(entry + 64);  // Rows and keys are short: they seldom reach further.
  }
  static uint64_t TagOf(uint64_t hash) { return (hash >> 16) & 0xffff; }
  static uint64_t Pack(E* entry, uint64_t hash) {
    return reinterpret_cast<uintptr_t>(entry) | TagOf(hash) << 48;
  }
  static E* PointerOf(uint64_t slot) {
    return reinterpret_cast<E*>(slot & ((uint64_t{1} << 48) - 1));
  }
  // The highest bits: the lowest are the key slot, of which a task has only a few.
  size_t HomeOf(uint64_t hash) const { return hash >> shift_; }
  size_t IndexOf(const E* entry) const {
    size_t i = HomeOf(entry->place_hash());
    while (PointerOf(slots_[i]) != entry) i = (i + 1) & mask_;
    return i;
  }
  void Put(E* entry) {
    const uint64_t hash = entry->place_hash();
    size_t i = HomeOf(hash);
    while (slots_[i] != 0) i = (i + 1) & mask_;
    slots_[i] = Pack(entry, hash);
  }
  void Resize(size_t capacity) {
    std::vector<uint64_t> old = std::exchange(slots_, std::vector<uint64_t>(capacity, 0));
    mask_ = capacity - 1;
    shift_ = 64 - __builtin_ctzll(capacity);
    for (size_t i = 0; i < old.size(); i++) {
      if (i + kAhead < old.size() && old[i + kAhead] != 0) {
        __builtin_prefetch(PointerOf(old[i + kAhead]));
      }
      if (old[i] != 0) Put(PointerOf(old[i]));
    }
  }

  std::vector<uint64_t> slots_;
  size_t mask_ = 0;
  int shift_ = 64;
  size_t size_ = 0;
};

}  // namespace weir
