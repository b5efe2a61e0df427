#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"

namespace httplib {
class Server;
}

namespace weir {

/// Listens for HTTP on an address of this machine, on threads of its own, with the limits that
/// every door of weir has: bodies of at most 2 MiB, slow clients are let go.
class HttpServer {
 public:
  /// `flag` names where the address comes from in errors: `--metrics`. Only loopback is taken.
  /// `routes` adds what is served. Port 0 takes a free one.
  static Result<std::unique_ptr<HttpServer>> Start(
      const std::string& address, const std::string& flag,
      const std::function<void(httplib::Server&)>& routes);
  /// Ends what is under way.
  ~HttpServer();
  /// Where it listens, with the port it has.
  const std::string& address() const { return address_; }

 private:
  struct Impl;
  HttpServer();
  std::unique_ptr<Impl> impl_;
  std::string address_;
};

}  // namespace weir
