#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "batch/batch.h"

namespace weir {

/// A batch as it travels between two processes: `header`, then `buffers` one after the other.
///
/// Grammar, little-endian, n = rows:
///
///   batch    = version:u8 (1) flags:u8 rows:u32 column* origins? times? buffers*
///   column   = nulls:u8 (0|1), for text bytes:u32, for list and map elements:u32,
///              then a column for each child
///   origins  = partition:i32[n] offset:i64[n]       flags & 2
///   times    = i64[n]                               flags & 1
///   buffers  = validity u8[n] where nulls, values of the type's width [n], offsets u32[n + 1],
///              bytes, then the buffers of each child
///
/// with a column, and later its buffers, for each field of the schema. Which of the parts a column
/// has and how wide its values are follows from its type as told at Column; the schema itself does
/// not travel. Offsets may begin anywhere, value i lies at offsets[i] - offsets[0]: so a range of
/// rows is sent from the middle of a batch's buffers.
struct BatchFrame {
  std::string header;                               ///< All up to `times`.
  std::vector<std::span<const std::byte>> buffers;  ///< Of the batch: as long as it lives.

  size_t bytes() const;
};

/// Rows a frame may have: what a reader accepts, whatever its bytes say.
inline constexpr size_t kMostFrameRows = 1 << 24;

/// The rows [begin, end) of `batch`, at most kMostFrameRows. Copies nothing of the columns.
BatchFrame EncodeBatch(const Batch& batch, size_t begin, size_t end);

/// Cuts a batch into ranges of rows that have frames of at most `most_bytes` each. A range of one
/// row may be longer. No range is empty; a batch without rows is one range.
struct RowRange {
  size_t begin = 0;
  size_t end = 0;
};
std::vector<RowRange> CutForFrames(const Batch& batch, size_t most_bytes);

/// Bytes that lie in pieces, read from the front. Borrows the pieces. Copies are cheap.
class FrameBytes {
 public:
  using Piece = std::span<const std::byte>;

  explicit FrameBytes(std::span<const Piece> pieces);
  size_t left() const { return left_; }

  /// The next `size` bytes; false, and nothing is read, where fewer are left.
  bool Read(void* to, size_t size);
  template <typename T>
  bool Read(T& value) {
    static_assert(std::is_arithmetic_v<T>);
    return Read(&value, sizeof(T));
  }
  /// Appends the next `size` bytes to a std::string or a vector of bytes.
  template <typename Bytes>
  bool AppendTo(Bytes& to, size_t size);
  /// The next `size` bytes (at most left()) to be read on their own; skips them here.
  FrameBytes Cut(size_t size);

 private:
  /// What is left of the first piece that has any, at most `most`.
  Piece Front(size_t most) const;
  void Skip(size_t size);

  std::span<const Piece> pieces_;
  size_t at_ = 0;  ///< In the first piece.
  size_t left_ = 0;
};

/// Reads what EncodeBatch wrote, all of `bytes`, copying each buffer once. Nothing in the bytes is
/// trusted: whatever they are, the outcome is a batch that is sound in the sense of Column and
/// Batch, or WEIR-B004, and memory of a small multiple of the bytes at most. Text is not checked to
/// be UTF-8: nothing in weir relies on it.
Result<BatchPtr> DecodeBatch(FrameBytes bytes, const SchemaPtr& schema);

/// Tells two schemas apart: sent ahead of frames, since these have no schema in them.
uint64_t Fingerprint(const Schema& schema);

template <typename Bytes>
bool FrameBytes::AppendTo(Bytes& to, size_t size) {
  static_assert(sizeof(typename Bytes::value_type) == 1);
  if (size > left_) return false;
  to.reserve(to.size() + size);
  while (size > 0) {
    const Piece piece = Front(size);
    const auto* from = reinterpret_cast<const typename Bytes::value_type*>(piece.data());
    to.insert(to.end(), from, from + piece.size());
    Skip(piece.size());
    size -= piece.size();
  }
  return true;
}

}  // namespace weir
