#pragma once

#include <optional>
#include <string>

#include "config/job_spec.h"

namespace weir {

/// The keys at the top of a job file. Used by `config/` only.
struct JobKeys {
  std::string name;
  uint32_t parallelism = 1;
  CheckpointSpec checkpoint;
  RestartSpec restart;
  std::optional<AutoscaleSpec> autoscale;
  LimitsSpec limits;
  YamlNode on_error;
  YamlNode connections;
  YamlNode sources;
  YamlNode steps;
  YamlNode sinks;
  static const Spec<JobKeys>& Describe();
};

}  // namespace weir
