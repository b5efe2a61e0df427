#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/spec.h"

namespace weir {

/// How the bytes of a file are packed.
enum class Compression { kNone, kGzip, kZstd };
std::vector<Choice<Compression>> ChoicesOf(Compression);

/// By the end of a file's name: `.gz`, `.zst`, `.zstd`, or none.
Compression CompressionOfName(std::string_view name);
/// What names of such files end in: ``, `.gz`, `.zst`.
std::string_view NameEnding(Compression compression);

/// Unpacks a stream piece by piece in bounded memory: any number of gzip members or zstd frames one
/// after the other. Not thread safe.
class Decompressor {
 public:
  virtual ~Decompressor() = default;
  /// Unpacks from the front of `input`, which it shortens, and appends to `out` until the input is
  /// used up or about `most` bytes were appended. kDamagedStream where it is not such a stream.
  virtual Status Unpack(std::string_view& input, std::string& out, size_t most) = 0;
  /// Whether the stream may end here: no member or frame is half read.
  virtual bool AtFrameEnd() const = 0;
};
std::unique_ptr<Decompressor> MakeDecompressor(Compression compression);

/// Packs a stream. Not thread safe.
class Compressor {
 public:
  virtual ~Compressor() = default;
  virtual void Pack(std::string_view input, std::string& out) = 0;
  /// Ends the member or frame, if one is open, so that all packed so far is a whole file. The next
  /// Pack begins another.
  virtual void EndFrame(std::string& out) = 0;
};
/// `level`: 1 (fast) to 9 (small) of gzip, to 19 of zstd; 0: the libraries' own, 6 and 3.
std::unique_ptr<Compressor> MakeCompressor(Compression compression, int level = 0);

}  // namespace weir
