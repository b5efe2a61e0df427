#include "daemon/rpc/server.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>

#include <fmt/format.h>

#include "daemon/rpc/connection.h"
#include "daemon/rpc/errors.h"
#include "daemon/security/listener.h"

namespace weir {

struct RpcServer::Impl {
  std::unique_ptr<grpc::Server> server;
};

RpcServer::RpcServer() : impl_(std::make_unique<Impl>()) {}

RpcServer::~RpcServer() { Shutdown(Duration{}); }

Result<std::unique_ptr<RpcServer>> RpcServer::Start(const std::string& address,
                                                    const Transport& transport,
                                                    std::span<RpcService* const> services) {
  WEIR_TRY(CheckAddress(address));
  WEIR_TRY(CheckListener({.address = address, .flag = "--listen", .tls = transport.secure()}));
  grpc::ServerBuilder builder;
  SetLimits(builder);
  int port = 0;
  builder.AddListeningPort(address, transport.server(), &port);
  for (RpcService* service : services) builder.RegisterService(&service->service());
  std::unique_ptr<RpcServer> server(new RpcServer());
  server->impl_->server = builder.BuildAndStart();
  if (!server->impl_->server || port <= 0) {
    return Status(errors::kCantServe, fmt::format("cannot listen on {}", address),
                  "see that the address is one of this machine and that nobody else has the port");
  }
  server->address_ = address.substr(0, address.rfind(':') + 1) + std::to_string(port);
  return server;
}

void RpcServer::Shutdown(Duration patience) {
  if (!impl_->server) return;
  impl_->server->Shutdown(std::chrono::system_clock::now() + patience.ToChrono());
  impl_->server->Wait();
}

}  // namespace weir
