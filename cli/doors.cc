#include "cli/doors.h"

#include "base/log.h"
#include "daemon/http/metrics_server.h"

namespace weir {

Result<ProcessDoors> ProcessDoors::Open(const ProcessSpec& process, PeerRole self) {
  ProcessDoors doors;
  doors.refusals_ = std::make_shared<Refusals>(SystemClock());
  if (process.tls) {
    doors.transport_ = WEIR_TRY(Transport::MutualTls(
        {process.tls->ca, process.tls->certificate, process.tls->key}, self, doors.refusals_));
    doors.http_tls_ = HttpTlsFiles{process.tls->certificate, process.tls->key, {}};
  }
  if (process.http_tls) {
    doors.http_tls_ = HttpTlsFiles{process.http_tls->certificate, process.http_tls->key,
                                   process.http_tls->client_ca};
  }
  if (!process.tokens_file.empty()) doors.tokens_ = WEIR_TRY(Tokens::Open(process.tokens_file));
  return doors;
}

HttpServerOptions ProcessDoors::ServerOptions(const std::string& address, const std::string& flag,
                                              AuditLog* audit) const {
  HttpServerOptions options;
  options.address = address;
  options.flag = flag;
  options.tls = http_tls_;
  options.tokens = tokens_.get();
  options.refusals = refusals_;
  options.audit = audit;
  return options;
}

Result<std::unique_ptr<HttpServer>> ProcessDoors::ServeOwnMetrics(
    const ProcessSpec& process, std::function<std::string()> text) const {
  if (!process.metrics) return std::unique_ptr<HttpServer>();
  HttpServerOptions options = ServerOptions(process.metrics->listen, "metrics.listen");
  if (process.metrics->insecure) {
    options.tls.reset();
    options.meant_to_be_open = true;
  }
  auto server = WEIR_TRY(ServeMetrics(std::move(options), std::move(text)));
  if (process.metrics->insecure) {
    log::Warn("metrics are served without TLS, to everybody", {{"address", server->address()}});
  } else {
    log::Info("metrics are served", {{"address", server->address()}});
  }
  return server;
}

}  // namespace weir
