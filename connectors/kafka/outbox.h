#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace weir::kafka {

/// A record on its way out. The views live as long as what they were read from.
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
///   bytes     = number, then as many bytes
///   number    = base 128, low 7 bits first, the high bit says that more follow; at most 5 bytes
///
/// Appends `record`; the caller writes kOutboxMagic first.
void AppendOutboxRecord(std::string& out, const OutboxRecord& record);
inline constexpr std::string_view kOutboxMagic = "WKO1";

/// Reads a sealed outbox record by record. No bytes, however wrong, make it read beyond their end
/// or keep more than a record's headers.
class OutboxReader {
 public:
  explicit OutboxReader(std::string_view sealed);
  /// False at the end, or where the bytes are damaged: then status() says so.
  bool Next(OutboxRecord& record);
  const Status& status() const { return status_; }

 private:
  bool Damaged();
  bool Read(OutboxRecord& record);

  const std::string_view sealed_;
  std::string_view rest_;
  Status status_;
};

/// The largest that a batch of only this record can be on the wire (message format 2,
/// uncompressed): what a topic's max.message.bytes is compared with.
size_t LargestWireSize(const OutboxRecord& record);

/// Bytes written during an epoch: in memory, beyond `memory_limit` in a file of `folder` that has
/// no name, so that a crash leaves nothing behind.
class Spool {
 public:
  Spool(std::string folder, size_t memory_limit);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  /// While the disk is full it makes do with memory for a while; then kSpool, and the bytes are
  /// not taken.
  Status Append(std::string_view bytes);
  size_t size() const { return file_bytes_ + memory_.size(); }
  /// All that was appended, in order, and it is empty afterwards. After an error nothing is lost:
  /// the next call may succeed.
  Result<std::string> Take();

 private:
  Status OpenFile();
  Status WriteOut();

  const std::string folder_;
  const size_t memory_limit_;
  std::string memory_;
  int file_ = -1;
  size_t file_bytes_ = 0;
};

}  // namespace weir::kafka
