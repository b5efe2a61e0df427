#include "formats/compression.h"

#include <array>

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include "formats/errors.h"

namespace weir {

std::vector<Choice<Compression>> ChoicesOf(Compression) {
  return {{"none", Compression::kNone}, {"gzip", Compression::kGzip}, {"zstd", Compression::kZstd}};
}

Compression CompressionOfName(std::string_view name) {
  if (name.ends_with(".gz")) return Compression::kGzip;
  if (name.ends_with(".zst") || name.ends_with(".zstd")) return Compression::kZstd;
  return Compression::kNone;
}

std::string_view NameEnding(Compression compression) {
  switch (compression) {
    case Compression::kGzip:
      return ".gz";
    case Compression::kZstd:
      return ".zst";
    case Compression::kNone:
      return "";
  }
  return "";
}

namespace {

constexpr size_t kPiece = 64 << 10;
/// Window of 128 MiB: what `zstd` itself reads without being asked.
constexpr int kGreatestWindowLog = 27;

Status Damaged(std::string_view kind, std::string_view why) {
  return Status(errors::kDamagedStream, fmt::format("the {} stream is damaged: {}", kind, why),
                "check the file, or name its compression");
}

class PlainDecompressor final : public Decompressor {
 public:
  Status Unpack(std::string_view& input, std::string& out, size_t most) override {
    const size_t n = std::min(most, input.size());
    out.append(input, 0, n);
    input.remove_prefix(n);
    return Status::Ok();
  }
  bool AtFrameEnd() const override { return true; }
};

class GzipDecompressor final : public Decompressor {
 public:
  GzipDecompressor() { WEIR_CHECK(inflateInit2(&stream_, 15 + 16) == Z_OK); }
  ~GzipDecompressor() override { inflateEnd(&stream_); }

  Status Unpack(std::string_view& input, std::string& out, size_t most) override {
    std::array<char, kPiece> piece;
    size_t appended = 0;
    // With the input used up there may still be output waiting inside, but never at a member's end.
    while (appended < most && (!input.empty() || waiting_)) {
      if (at_end_) {
        inflateReset(&stream_);
        at_end_ = false;
      }
      const auto given = static_cast<uInt>(std::min<size_t>(input.size(), 1 << 20));
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
      stream_.avail_in = given;
      stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream_.avail_out = static_cast<uInt>(std::min(piece.size(), most - appended));
      const uInt room = stream_.avail_out;
      const int outcome = inflate(&stream_, Z_NO_FLUSH);
      input.remove_prefix(given - stream_.avail_in);
      const size_t n = room - stream_.avail_out;
      out.append(piece.data(), n);
      appended += n;
      waiting_ = stream_.avail_out == 0 && outcome == Z_OK;
      if (outcome == Z_STREAM_END) {
        at_end_ = true;
      } else if (outcome == Z_BUF_ERROR) {
        waiting_ = false;
        if (input.empty()) break;
      } else if (outcome != Z_OK) {
        return Damaged("gzip", stream_.msg != nullptr ? stream_.msg : "wrong bytes");
      }
    }
    return Status::Ok();
  }
  bool AtFrameEnd() const override { return at_end_; }

 private:
  z_stream stream_ = {};
  bool at_end_ = true;
  bool waiting_ = false;
};

class ZstdDecompressor final : public Decompressor {
 public:
  ZstdDecompressor() : stream_(ZSTD_createDStream()) {
    WEIR_CHECK(stream_ != nullptr);
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kGreatestWindowLog);
  }
  ~ZstdDecompressor() override { ZSTD_freeDStream(stream_); }

  Status Unpack(std::string_view& input, std::string& out, size_t most) override {
    std::array<char, kPiece> piece;
    size_t appended = 0;
    while (appended < most && (!input.empty() || waiting_)) {
      ZSTD_inBuffer in{input.data(), input.size(), 0};
      ZSTD_outBuffer to{piece.data(), std::min(piece.size(), most - appended), 0};
      const size_t outcome = ZSTD_decompressStream(stream_, &to, &in);
      if (ZSTD_isError(outcome)) return Damaged("zstd", ZSTD_getErrorName(outcome));
      input.remove_prefix(in.pos);
      out.append(piece.data(), to.pos);
      appended += to.pos;
      at_end_ = outcome == 0;
      waiting_ = !at_end_ && to.pos == to.size;
      if (in.pos == 0 && to.pos == 0) break;
    }
    return Status::Ok();
  }
  bool AtFrameEnd() const override { return at_end_; }

 private:
  ZSTD_DStream* const stream_;
  bool at_end_ = true;
  bool waiting_ = false;
};

class PlainCompressor final : public Compressor {
 public:
  void Pack(std::string_view input, std::string& out) override { out += input; }
  void EndFrame(std::string&) override {}
};

class GzipCompressor final : public Compressor {
 public:
  explicit GzipCompressor(int level) {
    WEIR_CHECK(deflateInit2(&stream_, level > 0 ? level : Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                            15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~GzipCompressor() override { deflateEnd(&stream_); }

  void Pack(std::string_view input, std::string& out) override {
    while (!input.empty()) {
      const size_t n = std::min<size_t>(input.size(), 1 << 20);
      Run(input.substr(0, n), Z_NO_FLUSH, out);
      input.remove_prefix(n);
      open_ = true;
    }
  }
  void EndFrame(std::string& out) override {
    if (!open_) return;
    Run({}, Z_FINISH, out);
    deflateReset(&stream_);
    open_ = false;
  }

 private:
  void Run(std::string_view input, int flush, std::string& out) {
    std::array<char, kPiece> piece;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream_.avail_out = static_cast<uInt>(piece.size());
      WEIR_CHECK(deflate(&stream_, flush) != Z_STREAM_ERROR);
      out.append(piece.data(), piece.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  z_stream stream_ = {};
  bool open_ = false;
};

class ZstdCompressor final : public Compressor {
 public:
  explicit ZstdCompressor(int level) : stream_(ZSTD_createCCtx()) {
    WEIR_CHECK(stream_ != nullptr);
    ZSTD_CCtx_setParameter(stream_, ZSTD_c_compressionLevel, level > 0 ? level : 3);
    ZSTD_CCtx_setParameter(stream_, ZSTD_c_checksumFlag, 1);
  }
  ~ZstdCompressor() override { ZSTD_freeCCtx(stream_); }

  void Pack(std::string_view input, std::string& out) override {
    if (input.empty()) return;
    Run(input, ZSTD_e_continue, out);
    open_ = true;
  }
  void EndFrame(std::string& out) override {
    if (!open_) return;
    Run({}, ZSTD_e_end, out);
    open_ = false;
  }

 private:
  void Run(std::string_view input, ZSTD_EndDirective directive, std::string& out) {
    std::array<char, kPiece> piece;
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    while (true) {
      ZSTD_outBuffer to{piece.data(), piece.size(), 0};
      const size_t left = ZSTD_compressStream2(stream_, &to, &in, directive);
      WEIR_CHECK(!ZSTD_isError(left));
      out.append(piece.data(), to.pos);
      if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size) return;
    }
  }

  ZSTD_CCtx* const stream_;
  bool open_ = false;
};

}  // namespace

std::unique_ptr<Decompressor> MakeDecompressor(Compression compression) {
  switch (compression) {
    case Compression::kGzip:
      return std::make_unique<GzipDecompressor>();
    case Compression::kZstd:
      return std::make_unique<ZstdDecompressor>();
    case Compression::kNone:
      break;
  }
  return std::make_unique<PlainDecompressor>();
}

std::unique_ptr<Compressor> MakeCompressor(Compression compression, int level) {
  switch (compression) {
    case Compression::kGzip:
      return std::make_unique<GzipCompressor>(level);
    case Compression::kZstd:
      return std::make_unique<ZstdCompressor>(level);
    case Compression::kNone:
      break;
  }
  return std::make_unique<PlainCompressor>();
}

}  // namespace weir
