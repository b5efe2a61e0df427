#include "base/hex.h"

#include "tests/catch.h"

namespace weir {
namespace {

TEST_CASE("hexadecimal digits read back, and what is none is refused") {
  std::string all;
  for (int byte = 0; byte < 256; byte++) all += static_cast<char>(byte);
  CHECK(Hex(std::string_view("\x00\x7f\xff", 3)) == "007fff");
  CHECK(FromHex(Hex(all)) == all);
  CHECK(FromHex("") == "");
  for (const char* bad : {"0", "0g", "-1", "+1", "AB", " 1", "0x"}) {
    INFO(bad);
    CHECK_FALSE(FromHex(bad));
  }
}

}  // namespace
}  // namespace weir
