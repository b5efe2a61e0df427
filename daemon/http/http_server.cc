#include "daemon/http/http_server.h"

#include <thread>

#include <fmt/format.h>
#include <httplib.h>

#include "config/values.h"
#include "daemon/http/errors.h"

namespace weir {
namespace {

constexpr size_t kMostBodyBytes = 2 << 20;
constexpr int kPatienceSeconds = 5;

}  // namespace

struct HttpServer::Impl {
  httplib::Server server;
  std::thread thread;
};

HttpServer::HttpServer() : impl_(std::make_unique<Impl>()) {}

HttpServer::~HttpServer() {
  impl_->server.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(
    const std::string& address, const std::string& flag,
    const std::function<void(httplib::Server&)>& routes) {
  const size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  const Result<int64_t> port = colon == std::string::npos ? Result<int64_t>(int64_t{-1})
                                                          : ParseInteger(address.substr(colon + 1));
  if (!port.ok() || *port < 0 || *port > 65535) {
    return Status(errors::kBadAddress, fmt::format("{} {} is not an address", flag, address),
                  fmt::format("write {} 127.0.0.1:9400", flag));
  }
  if (host != "127.0.0.1" && host != "localhost" && host != "[::1]") {
    return Status(errors::kBadAddress,
                  fmt::format("{} {}: weir listens for HTTP on loopback only", flag, address),
                  fmt::format("write {} 127.0.0.1:{}, and let a proxy with TLS face the network",
                              flag, *port));
  }
  std::unique_ptr<HttpServer> made(new HttpServer());
  httplib::Server& server = made->impl_->server;
  server.set_payload_max_length(kMostBodyBytes);
  server.set_read_timeout(kPatienceSeconds);
  server.set_write_timeout(kPatienceSeconds);
  routes(server);
  const std::string bare = host == "[::1]" ? "::1" : host;
  int bound = static_cast<int>(*port);
  const bool listening =
      bound == 0 ? (bound = server.bind_to_any_port(bare)) > 0 : server.bind_to_port(bare, bound);
  if (!listening) {
    return Status(errors::kCantListen, fmt::format("can't listen on {}", address),
                  "choose another port, or see what has this one with 'ss -ltnp'");
  }
  made->address_ = fmt::format("{}:{}", host, bound);
  made->impl_->thread = std::thread([&server] { server.listen_after_bind(); });
  return made;
}

}  // namespace weir
