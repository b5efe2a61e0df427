#include "state/stored_form.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "batch/key.h"

namespace weir {
namespace {

void AppendBigEndian16(std::string& out, uint16_t value) {
  const char bytes[2] = {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
  out.append(bytes, sizeof bytes);
}

uint16_t ReadBigEndian16(std::string_view bytes) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) << 8 |
                               static_cast<uint8_t>(bytes[1]));
}

}  // namespace

std::string_view ShapeOf(TableKind kind) {
  switch (kind) {
    case TableKind::kSlices:
      return "slices/1";
    case TableKind::kKeys:
      return "keys/1";
    case TableKind::kTimers:
      return "timers/1";
  }
  return "unknown";
}

void AppendStoredPrefix(std::string& out, KeySlot slot, StoredTableId table) {
  AppendBigEndian16(out, slot);
  AppendBigEndian16(out, table);
}

KeySlot SlotOfStored(std::string_view stored) { return ReadBigEndian16(stored); }

StoredTableId TableOfStored(std::string_view stored) { return ReadBigEndian16(stored.substr(2)); }

void AppendSliceRest(std::string& out, EventTime end, std::string_view key) {
  AppendOrdered(out, end.us);
  out += key;
}

void AppendKeyPrefix(std::string& out, std::string_view key) {
  const auto size = static_cast<uint32_t>(key.size());
  AppendBigEndian16(out, static_cast<uint16_t>(size >> 16));
  AppendBigEndian16(out, static_cast<uint16_t>(size & 0xffff));
  out += key;
}

void AppendKeyRest(std::string& out, std::string_view key, EventTime time) {
  AppendKeyPrefix(out, key);
  AppendOrdered(out, time.us);
}

void AppendTimerRest(std::string& out, EventTime time, std::string_view key) {
  AppendOrdered(out, time.us);
  out += key;
}

bool SplitRest(TableKind kind, std::string_view rest, EventTime& time, std::string_view& key) {
  if (kind != TableKind::kKeys) {
    if (rest.size() < 8) return false;
    time.us = ReadOrdered(rest);
    key = rest.substr(8);
    return true;
  }
  if (rest.size() < 12) return false;
  const uint64_t size = uint64_t{ReadBigEndian16(rest)} << 16 | ReadBigEndian16(rest.substr(2));
  if (size != rest.size() - 12) return false;
  key = rest.substr(4, size);
  time.us = ReadOrdered(rest.substr(4 + size));
  return true;
}

void ChangeSet::Finish(size_t offset, size_t value_offset, bool erased) {
  constexpr size_t kMost = std::numeric_limits<uint32_t>::max();
  WEIR_CHECK(value_offset - offset <= kMost && bytes.size() - value_offset <= kMost);
  records.push_back({offset, static_cast<uint32_t>(value_offset - offset),
                     static_cast<uint32_t>(bytes.size() - value_offset), erased});
}

void ChangeSet::Sort() {
  std::sort(records.begin(), records.end(),
            [&](const Record& a, const Record& b) { return key(a) < key(b); });
}

}  // namespace weir
