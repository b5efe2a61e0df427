#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/http/gate.h"

namespace httplib {
struct Request;
struct Response;
}  // namespace httplib

namespace weir {

/// A request of somebody who may make it.
struct HttpCall {
  const httplib::Request& request;
  const Caller& caller;
  std::vector<std::string> names;  ///< What stood in the braces of the route's path.
};

/// One thing that is served: a line of a table.
struct HttpRoute {
  std::string method;  ///< `GET` or `POST`.
  /// `/api/v1/jobs/{job}`: what stands in braces is a name of 1 to 128 letters, digits and `._:-`.
  std::string path;
  Access access = Access::kAdmin;  ///< Who may.
  std::function<void(const HttpCall&, httplib::Response&)> answer;
};

/// The certificate of an HTTP server, and whose certificates it wants to see.
struct HttpTlsFiles {
  std::string certificate;
  std::string key;
  std::string client_ca;  ///< Empty: nobody's.
};

struct HttpServerOptions {
  std::string address;  ///< Port 0 takes a free one.
  std::string flag;     ///< Names where the address comes from in errors: `--metrics`.
  std::optional<HttpTlsFiles> tls;
  const Tokens* tokens = nullptr;  ///< None: open to this machine.
  std::shared_ptr<Refusals> refusals;
  AuditLog* audit = nullptr;
  bool meant_to_be_open =
      false;  ///< Off loopback without TLS and tokens, because the user says so.
};

/// Listens for HTTP, on threads of its own, with the limits that every door of weir has: bodies of
/// at most 2 MiB whose length is said first, one request for each connection, slow clients are let
/// go. Off loopback with TLS and tokens only. What options point to outlives it.
class HttpServer {
 public:
  static Result<std::unique_ptr<HttpServer>> Start(HttpServerOptions options,
                                                   std::vector<HttpRoute> routes);
  /// Ends what is under way.
  ~HttpServer();
  /// Where it listens, with the port it has.
  const std::string& address() const { return address_; }

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  std::string address_;
};

}  // namespace weir
