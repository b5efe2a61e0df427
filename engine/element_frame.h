#pragma once

#include <string>
#include <vector>

#include "batch/frame.h"
#include "engine/element.h"

namespace weir {

/// An element of a channel as it travels between two workers: `header`, then `buffers`.
///
/// Grammar, little-endian:
///
///   frame     = size:u32 number:u64 kind:u8 body        size: bytes behind it
///   body      = batch                                   kind 1: rows, see batch/frame.h
///             | time:i64 idle:u8                        kind 2: watermark
///             | epoch:u64 try:u64 last:u8               kind 3: barrier
///
/// Frames of a channel are numbered from 1 without gaps. A message of a channel is one or more
/// whole frames.
struct ElementFrame {
  std::string header;
  std::vector<std::span<const std::byte>> buffers;  ///< Of `batch`.
  BatchPtr batch;                                   ///< Null where there are no rows.
  size_t bytes = 0;                                 ///< Of all of it.
};

/// Rows of one frame are cut to about so many bytes, so that a channel's credit is given back in
/// parts; a single row may be longer, up to kMostFrameBytes.
inline constexpr size_t kUsualFrameBytes = 1 << 20;
inline constexpr size_t kMostFrameBytes = 64 << 20;
/// What an element weighs on a channel at least: so much of its memory no frame shows.
inline constexpr size_t kLeastElementBytes = 64;

/// Rows and watermarks weigh on their channel what their frame takes. Barriers weigh nothing.
inline size_t WeightOf(size_t frame_bytes) { return std::max(frame_bytes, kLeastElementBytes); }

ElementFrame EncodeRows(const BatchPtr& batch, RowRange rows, uint64_t number);
ElementFrame EncodeWatermark(const Watermark& watermark, uint64_t number);
ElementFrame EncodeBarrier(const Barrier& barrier, uint64_t number);

/// A frame as it was read.
struct ReceivedElement {
  Element element;
  uint64_t number = 0;
  size_t bytes = 0;  ///< Of its frame.
};
/// Reads the next frame of a message. Whatever the bytes are: an element, or WEIR-B004.
Result<ReceivedElement> DecodeElement(FrameBytes& message, const SchemaPtr& schema);

}  // namespace weir
