#include "clients/http_address.h"

#include "tests/catch.h"

namespace weir {
namespace {

TEST_CASE("addresses are taken apart") {
  const auto plain = ParseHttpAddress("http://registry:8081/apis/ccompat/v7/");
  REQUIRE(plain);
  CHECK(plain->base() == "http://registry:8081");
  CHECK(plain->path == "/apis/ccompat/v7");
  CHECK(plain->HostName() == "registry");
  const auto usual = ParseHttpAddress("https://h:443");
  REQUIRE(usual);
  CHECK(usual->base() == "https://h");
  CHECK(usual->path.empty());
  CHECK(ParseHttpAddress("http://h:443")->host == "h:443");
  CHECK(ParseHttpAddress("http://[fd00:ec2::23]:80/v1")->HostName() == "fd00:ec2::23");
  CHECK(ParseHttpAddress("http://[fd00:ec2::23]:80/v1")->host == "[fd00:ec2::23]");
  for (const char* wrong : {"h:80", "ftp://h", "https://", "http:///x", "http://u:p@h",
                            "http://h?x", "http://h/a b", ""}) {
    INFO(wrong);
    CHECK_FALSE(ParseHttpAddress(wrong).has_value());
  }
}

}  // namespace
}  // namespace weir
