#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/process_spec.h"
#include "daemon/http/http_server.h"
#include "daemon/rpc/credentials.h"
#include "daemon/security/audit_log.h"
#include "daemon/security/tokens.h"

namespace weir {

/// What stands at the doors of a manager or a worker, as its file says. Outlives what it guards.
class ProcessDoors {
 public:
  /// Certificates and tokens that are not in order, or not those of such a process, are refused.
  static Result<ProcessDoors> Open(const ProcessSpec& process, PeerRole self);

  const Transport& transport() const { return transport_; }
  const std::shared_ptr<Refusals>& refusals() const { return refusals_; }
  /// For a server at `address`, which `flag` names; `audit` null: what is refused is only counted.
  HttpServerOptions ServerOptions(const std::string& address, const std::string& flag,
                                  AuditLog* audit = nullptr) const;
  /// /metrics on an address of its own, told in the log where everybody may read it; null where the
  /// process's file wants none.
  Result<std::unique_ptr<HttpServer>> ServeOwnMetrics(const ProcessSpec& process,
                                                      std::function<std::string()> text) const;

 private:
  ProcessDoors() = default;
  std::shared_ptr<Refusals> refusals_;
  Transport transport_ = Transport::Plain();
  std::optional<HttpTlsFiles> http_tls_;
  std::unique_ptr<Tokens> tokens_;
};

}  // namespace weir
