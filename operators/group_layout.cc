#include "operators/group_layout.h"

namespace weir {
namespace {

size_t RoundUp(size_t size) { return (size + 7) / 8 * 8; }

void AppendVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

bool ReadVarint(std::string_view& bytes, uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes[0]);
    bytes.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

uint64_t ZigZag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

}  // namespace

GroupLayout::GroupLayout(Kind kind, std::vector<AggregatePtr> aggregates)
    : kind_(kind), aggregates_(std::move(aggregates)) {
  size_ = kind_ == Kind::kSession ? 16 : 8;
  for (const AggregatePtr& aggregate : aggregates_) {
    offsets_.push_back(size_);
    size_ += RoundUp(aggregate->size());
    owns_heap_ |= aggregate->OwnsHeap();
  }
}

void GroupLayout::Init(std::byte* row) const {
  Weight(row) = 0;
  if (kind_ == Kind::kSession) Last(row) = 0;
  for (size_t i = 0; i < aggregates_.size(); i++) aggregates_[i]->Init(row + offsets_[i]);
}

void GroupLayout::Destroy(std::byte* row) const {
  if (!owns_heap_) return;
  for (size_t i = 0; i < aggregates_.size(); i++) aggregates_[i]->Destroy(row + offsets_[i]);
}

size_t GroupLayout::HeapBytes(const std::byte* row) const {
  size_t sum = 0;
  if (!owns_heap_) return sum;
  for (size_t i = 0; i < aggregates_.size(); i++) {
    sum += aggregates_[i]->HeapBytes(row + offsets_[i]);
  }
  return sum;
}

void GroupLayout::Encode(const std::byte* row, std::string& out) const {
  AppendVarint(out, static_cast<uint64_t>(Weight(row)));
  if (kind_ == Kind::kSession) AppendVarint(out, ZigZag(Last(row)));
  EncodeStates(row, out);
}

bool GroupLayout::Decode(std::string_view bytes, std::byte* row) const {
  uint64_t number = 0;
  if (!ReadVarint(bytes, number)) return false;
  Weight(row) = static_cast<int64_t>(number);
  if (kind_ == Kind::kSession) {
    if (!ReadVarint(bytes, number)) return false;
    Last(row) = UnZigZag(number);
  }
  return DecodeStates(bytes, row);
}

void GroupLayout::EncodeStates(const std::byte* row, std::string& out) const {
  for (size_t i = 0; i < aggregates_.size(); i++) aggregates_[i]->Encode(row + offsets_[i], out);
}

bool GroupLayout::DecodeStates(std::string_view bytes, std::byte* row) const {
  for (size_t i = 0; i < aggregates_.size(); i++) {
    if (!aggregates_[i]->Decode(bytes, row + offsets_[i])) return false;
  }
  return bytes.empty();
}

Status GroupLayout::MergeStates(std::byte* to, const std::byte* from) const {
  for (size_t i = 0; i < aggregates_.size(); i++) {
    WEIR_TRY(aggregates_[i]->Merge(to + offsets_[i], from + offsets_[i]));
  }
  return Status::Ok();
}

ScratchRows::ScratchRows(const GroupLayout& layout, size_t count)
    : layout_(layout), stride_(layout.size()), count_(count), memory_(count * stride_ / 8) {
  for (size_t i = 0; i < count_; i++) layout_.Init(row(i));
}

ScratchRows::~ScratchRows() {
  if (!layout_.OwnsHeap()) return;
  for (size_t i = 0; i < count_; i++) layout_.Destroy(row(i));
}

}  // namespace weir
