#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "base/time.h"
#include "daemon/rpc/credentials.h"

namespace grpc {
class Service;
}

namespace weir {

/// A part of what a process offers to others of its cluster.
class RpcService {
 public:
  virtual ~RpcService() = default;
  virtual grpc::Service& service() = 0;
};

/// What listens for the other processes of a cluster: one port, several services. Thread safe.
class RpcServer {
 public:
  /// Listens on `address` (`10.0.0.5:9310`; port 0 takes a free one); off loopback with TLS only.
  /// The services outlive it.
  static Result<std::unique_ptr<RpcServer>> Start(const std::string& address,
                                                  const Transport& transport,
                                                  std::span<RpcService* const> services);
  /// As Shutdown at once.
  ~RpcServer();
  /// Where it listens, with the port it has.
  const std::string& address() const { return address_; }

  /// Takes no more calls, gives those under way so much time to end, cancels the rest, and returns
  /// when all of them are over: nothing calls a service after it. Not from within a call.
  void Shutdown(Duration patience);

 private:
  struct Impl;
  RpcServer();
  std::unique_ptr<Impl> impl_;
  std::string address_;
};

}  // namespace weir
