#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/node_spec.h"
#include "config/spec.h"
#include "config/vocabulary.h"
#include "config/yaml.h"

namespace weir {

enum class Guarantee { kExactlyOnce, kAtLeastOnce };
std::vector<Choice<Guarantee>> ChoicesOf(Guarantee);

struct CheckpointSpec {
  Duration interval = Duration::Seconds(10);
  Duration timeout = Duration::Minutes(10);
  uint32_t retain = 3;
  Guarantee guarantee = Guarantee::kExactlyOnce;
  static const Spec<CheckpointSpec>& Describe();
};

struct BackoffSpec {
  Duration initial = Duration::Millis(200);
  Duration max = Duration::Seconds(30);
  static const Spec<BackoffSpec>& Describe();
};

struct RestartSpec {
  std::optional<uint32_t> attempts;  ///< None: unlimited.
  BackoffSpec backoff;
  static const Spec<RestartSpec>& Describe();
};

struct AutoscaleSpec {
  uint32_t min = 1;
  uint32_t max = 1;
  double target_busy = 0.7;
  Duration window = Duration::Seconds(30);
  Duration cooldown = Duration::Minutes(2);
  static const Spec<AutoscaleSpec>& Describe();
};

struct LimitsSpec {
  std::optional<Rate> rows_per_task;
  static const Spec<LimitsSpec>& Describe();
};

/// A job as its file says it: names resolved and structure checked; connectors' options, clauses
/// and formats are left as nodes for those who know them.
struct JobSpec {
  std::string name;
  std::string text;  ///< The file as it was read: YAML, after `--set` and with variables filled in.
  uint32_t parallelism = 1;
  CheckpointSpec checkpoint;
  RestartSpec restart;
  std::optional<AutoscaleSpec> autoscale;
  LimitsSpec limits;
  OnErrorSpec on_error;
  std::vector<ConnectionSpec> connections;
  std::vector<SourceSpec> sources;  ///< In the order of the file.
  std::vector<StepSpec> steps;      ///< Each after all that it reads from.
  std::vector<SinkSpec> sinks;      ///< In the order of the file.

  const SourceSpec* FindSource(std::string_view node) const;
  const StepSpec* FindStep(std::string_view node) const;
  const ConnectionSpec* FindConnection(std::string_view connection) const;
};

/// Reads the structure of a job: each node one connector or step, names, references, no cycles,
/// nothing unused. All faults go to `diagnostics`. The job is returned all the same, so that
/// expressions and types can be checked too: nodes with a fault of their own have `sound` false,
/// `from` holds only references to nodes that are listed, and steps that are in a cycle are not.
JobSpec ReadJob(const YamlNode& root, const Vocabulary& vocabulary, Diagnostics& diagnostics);

/// What a command line says of a job.
struct JobInput {
  std::string path;
  Variables variables;
  std::vector<std::string> overrides;  ///< `--set`, each `PATH=VALUE`.
};

/// Reads the file, applies the overrides, and then as ReadJob.
JobSpec ReadJobFile(const JobInput& input, const Vocabulary& vocabulary, Diagnostics& diagnostics);

}  // namespace weir
