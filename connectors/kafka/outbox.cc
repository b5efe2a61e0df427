#include "connectors/kafka/outbox.h"

#include "connectors/kafka/errors.h"

namespace weir::kafka {
namespace {

constexpr uint8_t kHasKey = 1;
constexpr uint8_t kHasValue = 2;
constexpr uint8_t kHasPartition = 4;
constexpr uint8_t kHasHeaders = 8;
constexpr uint8_t kAllFlags = 15;

/// Bytes of a zig-zag varint of a length.
size_t VarintSize(uint64_t number) {
  size_t size = 1;
  for (number <<= 1; number >= 0x80; number >>= 7) size++;
  return size;
}

/// Takes a record from the beginning of `rest`.
bool Take(std::string_view& rest, OutboxRecord& record) {
  if (rest.size() < 9) return false;
  const auto flags = static_cast<uint8_t>(rest[0]);
  if ((flags & ~kAllFlags) != 0) return false;
  uint64_t timestamp = 0;
  for (int i = 0; i < 8; i++) {
    timestamp |= static_cast<uint64_t>(static_cast<uint8_t>(rest[1 + i])) << (8 * i);
  }
  record.timestamp_ms = static_cast<int64_t>(timestamp);
  rest.remove_prefix(9);

  record.partition.reset();
  if ((flags & kHasPartition) != 0) {
    uint32_t partition = 0;
    if (!TakeNumber(rest, partition) || partition > INT32_MAX) return false;
    record.partition = static_cast<int32_t>(partition);
  }
  record.headers.clear();
  if ((flags & kHasHeaders) != 0) {
    uint32_t count = 0;
    // Each header takes two bytes at least, so a wrong count cannot ask for much memory.
    if (!TakeNumber(rest, count) || count == 0 || count > rest.size() / 2) return false;
    for (uint32_t i = 0; i < count; i++) {
      std::string_view name;
      if (!TakeBytes(rest, name) || rest.empty()) return false;
      const char has_value = rest[0];
      rest.remove_prefix(1);
      std::optional<std::string_view> value;
      if (has_value == 1) {
        if (!TakeBytes(rest, value.emplace())) return false;
      } else if (has_value != 0) {
        return false;
      }
      record.headers.emplace_back(name, value);
    }
  }
  record.key.reset();
  if ((flags & kHasKey) != 0 && !TakeBytes(rest, record.key.emplace())) return false;
  record.value.reset();
  if ((flags & kHasValue) != 0 && !TakeBytes(rest, record.value.emplace())) return false;
  return true;
}

}  // namespace

void AppendOutboxRecord(std::string& out, const OutboxRecord& record) {
  uint8_t flags = 0;
  if (record.key) flags |= kHasKey;
  if (record.value) flags |= kHasValue;
  if (record.partition) flags |= kHasPartition;
  if (!record.headers.empty()) flags |= kHasHeaders;
  out.push_back(static_cast<char>(flags));
  for (int i = 0; i < 8; i++) {
    out.push_back(static_cast<char>(static_cast<uint64_t>(record.timestamp_ms) >> (8 * i)));
  }
  if (record.partition) AppendNumber(out, static_cast<uint32_t>(*record.partition));
  if (!record.headers.empty()) {
    AppendNumber(out, static_cast<uint32_t>(record.headers.size()));
    for (const auto& [name, value] : record.headers) {
      AppendBytes(out, name);
      out.push_back(value ? 1 : 0);
      if (value) AppendBytes(out, *value);
    }
  }
  if (record.key) AppendBytes(out, *record.key);
  if (record.value) AppendBytes(out, *record.value);
}

OutboxReader::OutboxReader(const SealedPart& sealed)
    : sealed_(sealed, kOutboxMagic, errors::kDamagedOutbox) {}

bool OutboxReader::Next(OutboxRecord& record) {
  return sealed_.Next([&record](std::string_view& rest) { return Take(rest, record); });
}

size_t LargestWireSize(const OutboxRecord& record) {
  constexpr size_t kBatchHeader = 61;
  size_t body = 1 + 10 + 1;  // Attributes; timestamp and offset, counted from the batch's own.
  body += record.key ? VarintSize(record.key->size()) + record.key->size() : 1;
  body += record.value ? VarintSize(record.value->size()) + record.value->size() : 1;
  body += VarintSize(record.headers.size());
  for (const auto& [name, value] : record.headers) {
    body += VarintSize(name.size()) + name.size();
    body += value ? VarintSize(value->size()) + value->size() : 1;
  }
  return kBatchHeader + VarintSize(body) + body;
}

}  // namespace weir::kafka
