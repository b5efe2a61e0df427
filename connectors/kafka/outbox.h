#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "connectors/connector.h"
#include "connectors/sealed_reader.h"

namespace weir::kafka {

/// A record on its way out. The views live as long as what they were read from; of a reader, until
/// its next record.
struct OutboxRecord {
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;  ///< None: a tombstone.
  std::optional<int32_t> partition;       ///< None: the key decides.
  int64_t timestamp_ms = 0;
  std::vector<std::pair<std::string_view, std::optional<std::string_view>>> headers;
};

/// A sealed outbox, as it stands in checkpoints:
///
///   outbox    = "WKO1" record*
///   record    = flags timestamp [partition] [headers] [key] [value]
///   flags     = one byte: 1 key, 2 value, 4 partition, 8 headers; all other bits 0
///   timestamp = 8 bytes little-endian, milliseconds
///   partition = number
///   headers   = number of headers, then for each: bytes (name), then 0, or 1 and bytes (value)
///   key       = bytes
///   value     = bytes
///
/// where `number` and `bytes` are those of SealedReader.
///
/// Appends `record`; the caller writes kOutboxMagic first.
void AppendOutboxRecord(std::string& out, const OutboxRecord& record);
inline constexpr std::string_view kOutboxMagic = "WKO1";

/// Reads a sealed outbox record by record.
class OutboxReader {
 public:
  /// `sealed` stays as it is while this reads.
  explicit OutboxReader(const SealedPart& sealed);
  /// False at the end, or where the bytes are damaged or cannot be read: then status() says so.
  bool Next(OutboxRecord& record);
  const Status& status() const { return sealed_.status(); }

 private:
  SealedReader sealed_;
};

/// The largest that a batch of only this record can be on the wire (message format 2,
/// uncompressed): what a topic's max.message.bytes is compared with.
size_t LargestWireSize(const OutboxRecord& record);

}  // namespace weir::kafka
