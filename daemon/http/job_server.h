#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "engine/job_run.h"

namespace weir {

/// What `weir run --metrics ADDR` serves: /metrics (Prometheus text), /healthz (the process
/// answers) and /readyz (200 once the job's tasks run, else 503 with its phase). Only on loopback:
/// the page and the API with tokens and TLS belong to the manager.
class JobServer {
 public:
  /// Listens on `address` (`127.0.0.1:9400`; port 0 takes a free one). `plan` and `run` outlive it.
  static Result<std::unique_ptr<JobServer>> Start(const std::string& address, const JobPlan& plan,
                                                  const JobRun& run);
  ~JobServer();
  /// Where it listens, with the port it has.
  const std::string& address() const { return address_; }

 private:
  struct Impl;
  JobServer();
  std::unique_ptr<Impl> impl_;
  std::string address_;
};

}  // namespace weir
