#include "base/base64.h"

#include <random>
#include <string>

#include "tests/catch.h"

namespace weir {
namespace {

TEST_CASE("base64 reads back, and what is none is refused") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; i++) {
    std::string bytes;
    for (uint64_t n = random() % 20; n > 0; n--) bytes += static_cast<char>(random());
    std::string text;
    AppendBase64(text, bytes);
    std::string back;
    REQUIRE(DecodeBase64(text, back));
    REQUIRE(back == bytes);
  }
  std::string out = "kept";
  for (const char* bad : {"a", "ab=", "a===", "a b=", "\xff\xff\xff\xff", "abc=="}) {
    INFO(bad);
    CHECK_FALSE(DecodeBase64(bad, out));
    CHECK(out == "kept");
  }
}

}  // namespace
}  // namespace weir
