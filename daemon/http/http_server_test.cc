#include "daemon/http/http_server.h"

#include "daemon/http/errors.h"
#include "daemon/security/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

HttpServerOptions At(const std::string& address) {
  HttpServerOptions options;
  options.address = address;
  options.flag = "--http";
  options.refusals = std::make_shared<Refusals>(SystemClock());
  return options;
}

TEST_CASE("a server that is begun and ended at once ends") {
  for (int i = 0; i < 200; i++) CHECK(HttpServer::Start(At("127.0.0.1:0"), {}).ok());
}

TEST_CASE("a server listens where it may, or says why not") {
  const auto first = HttpServer::Start(At("127.0.0.1:0"), {});
  REQUIRE(first.ok());
  CHECK(HttpServer::Start(At((*first)->address()), {}).status().Is(errors::kCantListen));
  for (const char* bad : {"", "127.0.0.1", ":80", "127.0.0.1:x", "127.0.0.1:65536"}) {
    CHECK(HttpServer::Start(At(bad), {}).status().Is(errors::kBadAddress));
  }
  CHECK(HttpServer::Start(At("0.0.0.0:0"), {}).status().Is(errors::kUnsafeListener));
}

}  // namespace
}  // namespace weir
