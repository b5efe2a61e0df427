#include "operators/group_table.h"

namespace weir {
namespace {

constexpr size_t kChunkBytes = 64 << 10;
constexpr size_t kFirstSlots = 1024;

uint64_t SlotHash(uint64_t hash, int64_t slice_end) {
  uint64_t mixed = hash ^ static_cast<uint64_t>(slice_end) * 0x9e3779b97f4a7c15;
  return mixed ^ mixed >> 29;
}

}  // namespace

GroupTable::GroupTable(const GroupLayout& layout)
    : layout_(layout),
      slots_(kFirstSlots),
      chunk_rows_(std::max<size_t>(1, kChunkBytes / layout.size())) {}

GroupTable::~GroupTable() { Clear(); }

std::byte* GroupTable::Upsert(int64_t slice_end, std::string_view key, uint64_t hash) {
  if ((entries_.size() + 1) * 4 > slots_.size() * 3) Grow();
  const size_t mask = slots_.size() - 1;
  size_t slot = SlotHash(hash, slice_end) & mask;
  while (slots_[slot] != 0) {
    const Entry& entry = entries_[slots_[slot] - 1];
    if (entry.hash == hash && entry.slice_end == slice_end && entry.key_size == key.size() &&
        std::string_view(keys_).substr(entry.key_begin, entry.key_size) == key) {
      return entry.row;
    }
    slot = (slot + 1) & mask;
  }
  std::byte* row = NewRow();
  entries_.push_back({hash, slice_end, keys_.size(), key.size(), row});
  keys_ += key;
  slots_[slot] = static_cast<uint32_t>(entries_.size());
  return row;
}

std::byte* GroupTable::NewRow() {
  const size_t words = layout_.size() / 8;
  const size_t in_chunk = entries_.size() % chunk_rows_;
  const size_t chunk = entries_.size() / chunk_rows_;
  if (chunk == chunks_.size()) chunks_.push_back(std::make_unique<int64_t[]>(chunk_rows_ * words));
  auto* row = reinterpret_cast<std::byte*>(chunks_[chunk].get() + in_chunk * words);
  layout_.Init(row);
  return row;
}

void GroupTable::Grow() {
  std::vector<uint32_t> slots(slots_.size() * 2);
  const size_t mask = slots.size() - 1;
  for (size_t i = 0; i < entries_.size(); i++) {
    size_t slot = SlotHash(entries_[i].hash, entries_[i].slice_end) & mask;
    while (slots[slot] != 0) slot = (slot + 1) & mask;
    slots[slot] = static_cast<uint32_t>(i + 1);
  }
  slots_ = std::move(slots);
}

size_t GroupTable::MemoryBytes() const {
  return entries_.size() * (sizeof(Entry) + layout_.size()) + keys_.size() + slots_.size() * 4;
}

void GroupTable::Clear() {
  if (layout_.OwnsHeap()) {
    for (const Entry& entry : entries_) layout_.Destroy(entry.row);
  }
  if (slots_.size() > entries_.size() * 16 && slots_.size() > kFirstSlots) {
    slots_ = std::vector<uint32_t>(kFirstSlots);
  } else {
    std::fill(slots_.begin(), slots_.end(), 0);
  }
  entries_.clear();
  keys_.clear();
  if (chunks_.size() > 1) chunks_.resize(1);
}

}  // namespace weir
