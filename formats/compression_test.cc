#include "formats/compression.h"

#include <random>

#include "formats/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

/// Unpacks in pieces of random size; what came out is in `out` also where it fails.
Status UnpackAll(Compression compression, std::string_view packed, std::mt19937_64& random,
                 std::string& out, bool& whole) {
  const auto decompressor = MakeDecompressor(compression);
  Status status;
  while (status.ok()) {
    const size_t n = std::min<size_t>(packed.size(), 1 + random() % 5000);
    std::string_view piece = packed.substr(0, n);
    const size_t before = out.size();
    status = decompressor->Unpack(piece, out, 1 + random() % 3000);
    const size_t used = n - piece.size();
    packed.remove_prefix(used);
    if (used == 0 && out.size() == before && packed.empty()) break;
    REQUIRE(out.size() < 50000000);
  }
  whole = decompressor->AtFrameEnd();
  return status;
}

TEST_CASE("packed streams unpack to what they were, also cut at any frame's end") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (const Compression compression :
       {Compression::kNone, Compression::kGzip, Compression::kZstd}) {
    for (int round = 0; round < 30; round++) {
      const auto compressor = MakeCompressor(compression);
      std::string plain;
      std::string packed;
      std::vector<std::pair<size_t, size_t>> ends = {{0, 0}};
      for (uint64_t n = 1 + random() % 6; n > 0; n--) {
        std::string piece(random() % 200000, 'x');
        for (size_t i = 0; i < piece.size(); i += 1 + random() % 20) {
          piece[i] = static_cast<char>(random());
        }
        plain += piece;
        compressor->Pack(piece, packed);
        if (random() % 2 == 0 || n == 1) {
          compressor->EndFrame(packed);
          compressor->EndFrame(packed);
          ends.emplace_back(packed.size(), plain.size());
        }
      }
      for (const auto& [packed_end, plain_end] : ends) {
        std::string out;
        bool whole = false;
        REQUIRE(UnpackAll(compression, packed.substr(0, packed_end), random, out, whole).ok());
        REQUIRE(whole);
        REQUIRE(out == plain.substr(0, plain_end));
      }
    }
  }
}

TEST_CASE("cut and damaged packed streams are told") {
  std::mt19937_64 random(7);
  for (const Compression compression : {Compression::kGzip, Compression::kZstd}) {
    const auto compressor = MakeCompressor(compression);
    std::string plain;
    for (int i = 0; i < 5000; i++) plain += std::to_string(i * 7919);
    std::string packed;
    compressor->Pack(plain, packed);
    compressor->EndFrame(packed);
    std::string out;
    bool whole = true;
    REQUIRE(UnpackAll(compression, packed.substr(0, packed.size() / 2), random, out, whole).ok());
    CHECK_FALSE(whole);
    int found = 0;
    for (int round = 0; round < 300; round++) {
      std::string damaged = packed;
      damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
      out.clear();
      const Status status = UnpackAll(compression, damaged, random, out, whole);
      if (!status.ok()) CHECK(status.Is(errors::kDamagedStream));
      if (!status.ok() || !whole) found++;
      // Bits of a gzip header (its time, for one) change nothing.
      CHECK((!status.ok() || !whole || out == plain));
    }
    CHECK(found > 250);
  }
}

TEST_CASE("names say how a file is packed") {
  CHECK(CompressionOfName("a/b.json.gz") == Compression::kGzip);
  CHECK(CompressionOfName("b.zst") == Compression::kZstd);
  CHECK(CompressionOfName("b.json") == Compression::kNone);
}

}  // namespace
}  // namespace weir
