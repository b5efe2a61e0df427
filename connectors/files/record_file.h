#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/files/file_bytes.h"
#include "formats/compression.h"
#include "formats/format.h"

namespace weir {

/// Where the reading of a file stands. Offsets are of unpacked bytes.
struct FilePosition {
  uint64_t offset = 0;     ///< Behind the last record read.
  int64_t record = 0;      ///< Number of the next record.
  uint64_t tail_hash = 0;  ///< HashBytes of what stands before `offset` (kTailBytes at most).
};

/// Streams the records of one file, plain or packed, in bounded memory. Not thread safe.
///
/// A file where other bytes stand before the position than were read there is an error.
class RecordFile {
 public:
  /// `bytes`: the file's, `size` of them. `splitter` and `decoder` outlive it; `name` is for
  /// messages.
  RecordFile(std::unique_ptr<FileBytes> bytes, std::string name, uint64_t size,
             Compression compression, RecordSplitter& splitter, Decoder& decoder);

  /// Opens the file, takes its header where the format has one, and goes to `position`.
  Status Open(const FilePosition& position);

  /// Up to `most` next records, as views that live until the next call, and the offset behind each.
  /// None: the file is read to its end. All records given before must have been taken. An error of
  /// kind kRetry may be followed by another call.
  Status Next(size_t most, std::vector<std::string_view>& records, std::vector<uint64_t>& ends);

  /// Says that the first `records` of what Next gave are taken; `end` is the offset behind them.
  void Taken(int64_t records, uint64_t end);
  FilePosition Position() const;

 private:
  static constexpr size_t kTailBytes = 1024;

  Status Rewind();
  Status TakeHeader();
  Status SkipTo(const FilePosition& position);
  Status Changed(const FilePosition& position) const;
  /// Unpacks more bytes behind the buffer's. At the end sets `ended_`.
  Status Fill();
  /// Appends up to `most` of the file's next bytes, as they stand there.
  Status Read(size_t most, std::string& out);
  Status Fault(const ErrorCode& code, const std::string& what, const std::string& cure = {}) const;
  std::string_view Left() const { return std::string_view(buffer_).substr(begin_); }
  void KeepTail(std::string_view bytes);

  const std::unique_ptr<FileBytes> bytes_;
  const std::string name_;
  const uint64_t size_;
  const Compression compression_;
  RecordSplitter& splitter_;
  Decoder& decoder_;

  uint64_t packed_read_ = 0;
  std::unique_ptr<Decompressor> decompressor_;
  std::string packed_;  // Read and not yet unpacked.
  size_t packed_begin_ = 0;
  std::string buffer_;  // Unpacked bytes from `buffer_offset_` on.
  size_t begin_ = 0;    // First byte of the buffer that was not split yet.
  uint64_t buffer_offset_ = 0;
  bool ended_ = false;
  std::vector<std::string_view> split_;  // Records of the buffer that were not given yet.
  size_t given_ = 0;

  uint64_t taken_offset_ = 0;
  int64_t taken_records_ = 0;
  std::string tail_;  // Bytes before taken_offset_.
};

}  // namespace weir
