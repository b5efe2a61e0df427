#include "daemon/http/job_server.h"

#include <thread>

#include <fmt/format.h>
#include <httplib.h>

#include "config/values.h"
#include "daemon/http/errors.h"
#include "daemon/http/metrics.h"

namespace weir {

struct JobServer::Impl {
  httplib::Server server;
  std::thread thread;
};

JobServer::JobServer() : impl_(std::make_unique<Impl>()) {}

JobServer::~JobServer() {
  impl_->server.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

Result<std::unique_ptr<JobServer>> JobServer::Start(const std::string& address, const JobPlan& plan,
                                                    const JobRun& run) {
  const size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  const Result<int64_t> port = colon == std::string::npos ? Result<int64_t>(int64_t{-1})
                                                          : ParseInteger(address.substr(colon + 1));
  if (!port.ok() || *port < 0 || *port > 65535) {
    return Status(errors::kBadAddress, fmt::format("--metrics {} is not an address", address),
                  "write --metrics 127.0.0.1:9400");
  }
  if (host != "127.0.0.1" && host != "localhost" && host != "[::1]") {
    return Status(errors::kBadAddress,
                  fmt::format("--metrics {}: 'weir run' listens on loopback only", address),
                  "write --metrics 127.0.0.1:9400, and let a proxy with TLS face the network");
  }
  std::unique_ptr<JobServer> made(new JobServer());
  httplib::Server& server = made->impl_->server;
  server.set_payload_max_length(4096);
  server.set_read_timeout(5);
  server.set_write_timeout(5);
  server.Get("/metrics", [&](const httplib::Request&, httplib::Response& response) {
    response.set_content(PrometheusText(plan, run.progress()),
                         "text/plain; version=0.0.4; charset=utf-8");
  });
  server.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("ok\n", "text/plain");
  });
  server.Get("/readyz", [&](const httplib::Request&, httplib::Response& response) {
    const std::string phase = run.progress().phase;
    if (phase != "running") response.status = 503;
    response.set_content(phase + "\n", "text/plain");
  });
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
