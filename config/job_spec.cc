#include "config/job_spec.h"

#include <algorithm>

#include "config/errors.h"
#include "config/job_graph.h"
#include "config/job_keys.h"
#include "config/node_reader.h"
#include "config/yaml_text.h"

namespace weir {

std::vector<Choice<Guarantee>> ChoicesOf(Guarantee) {
  return {{"exactly_once", Guarantee::kExactlyOnce}, {"at_least_once", Guarantee::kAtLeastOnce}};
}

const Spec<CheckpointSpec>& CheckpointSpec::Describe() {
  static const Spec<CheckpointSpec> spec(
      "checkpoint", "How often the job's state is made safe, and what it promises.",
      {Optional("interval", &CheckpointSpec::interval, Duration::Seconds(10),
                "Time between the beginnings of two checkpoints.", AtLeast(Duration::Millis(10))),
       Optional("timeout", &CheckpointSpec::timeout, Duration::Minutes(10),
                "A checkpoint that takes longer is given up.", Positive),
       Optional("retain", &CheckpointSpec::retain, 3u, "How many checkpoints are kept.",
                InRange(1, 1000)),
       Optional("guarantee", &CheckpointSpec::guarantee, Guarantee::kExactlyOnce,
                "Whether a result may show twice after a crash.")},
      "checkpoint: { interval: 10s, retain: 3 }");
  return spec;
}

const Spec<BackoffSpec>& BackoffSpec::Describe() {
  static const Spec<BackoffSpec> spec(
      "backoff", "How long to wait before a restart; doubled each time.",
      {Optional("initial", &BackoffSpec::initial, Duration::Millis(200), "The first wait.",
                Positive),
       Optional("max", &BackoffSpec::max, Duration::Seconds(30), "The longest wait.", Positive)},
      "backoff: { initial: 200ms, max: 30s }");
  return spec;
}

const Spec<RestartSpec>& RestartSpec::Describe() {
  static const Spec<RestartSpec> spec(
      "restart", "What happens after an operating error.",
      {Optional("attempts", &RestartSpec::attempts, std::nullopt,
                "How often the job is started again before it has failed."),
       Optional("backoff", &RestartSpec::backoff, "How long to wait between attempts.")},
      "restart: { attempts: 10, backoff: { initial: 1s, max: 1m } }");
  return spec;
}

const Spec<AutoscaleSpec>& AutoscaleSpec::Describe() {
  static const Spec<AutoscaleSpec> spec(
      "autoscale", "Bounds within which the parallelism follows the load.",
      {Required("min", &AutoscaleSpec::min, "The lowest parallelism.", InRange(1, 4096)),
       Required("max", &AutoscaleSpec::max, "The highest parallelism.", InRange(1, 4096)),
       Optional("target_busy", &AutoscaleSpec::target_busy, 0.7,
                "Share of time that tasks should be at work.", InRange(0.1, 1.0)),
       Optional("window", &AutoscaleSpec::window, Duration::Seconds(30),
                "The time that load is looked at before each decision.",
                AtLeast(Duration::Seconds(1))),
       Optional("cooldown", &AutoscaleSpec::cooldown, Duration::Minutes(2),
                "The time after each start in which nothing is decided.", Positive)},
      "autoscale: { min: 2, max: 16, target_busy: 0.7 }");
  return spec;
}

const Spec<LimitsSpec>& LimitsSpec::Describe() {
  static const Spec<LimitsSpec> spec(
      "limits", "What a job may take, however much there is.",
      {Optional("rows_per_task", &LimitsSpec::rows_per_task, std::nullopt,
                "Rows that each task of a source reads in a second at most.",
                Condition("more than 0", [](Rate rate) { return rate.per_second > 0; }))},
      "limits: { rows_per_task: 20000/s }");
  return spec;
}

const Spec<JobKeys>& JobKeys::Describe() {
  static const Spec<JobKeys> spec(
      "job", "A job: what comes in, what is done with it, where it goes.",
      {Required("job", &JobKeys::name, "The job's name, unique on a cluster.",
                Condition("[a-z][a-z0-9-]*, at most 100 characters",
                          [](const std::string& name) { return IsJobName(name); })),
       Optional("parallelism", &JobKeys::parallelism, 1u, "How many tasks run each node.",
                InRange(1, 4096)),
       Optional("checkpoint", &JobKeys::checkpoint, "How often the job's state is made safe."),
       Optional("restart", &JobKeys::restart, "What happens after an operating error."),
       Optional("autoscale", &JobKeys::autoscale,
                "Bounds within which the parallelism follows the load."),
       Optional("limits", &JobKeys::limits, "What the job may take, however much there is."),
       Optional("on_error", &JobKeys::on_error,
                "What becomes of rows that fail, for nodes that do not say; fail where not given."),
       Optional("connections", &JobKeys::connections,
                "Brokers, registries and stores by name; also in the process's own file."),
       Optional("sources", &JobKeys::sources, "What comes in, by name."),
       Optional("steps", &JobKeys::steps, "What is done with it, by name."),
       Optional("sinks", &JobKeys::sinks, "Where it goes, by name.")},
      "");
  return spec;
}

const SourceSpec* JobSpec::FindSource(std::string_view node) const {
  for (const SourceSpec& source : sources) {
    if (source.name == node) return &source;
  }
  return nullptr;
}
const StepSpec* JobSpec::FindStep(std::string_view node) const {
  for (const StepSpec& step : steps) {
    if (step.name == node) return &step;
  }
  return nullptr;
}
const ConnectionSpec* JobSpec::FindConnection(std::string_view connection) const {
  for (const ConnectionSpec& candidate : connections) {
    if (candidate.name == connection) return &candidate;
  }
  return nullptr;
}

namespace {

/// The entries of a map of nodes; none after telling a fault.
const std::vector<YamlNode::Entry>& NodesOf(const YamlNode& node, Diagnostics& diagnostics) {
  static const std::vector<YamlNode::Entry> none;
  if (node.kind() == YamlNode::Kind::kNull) return none;
  return internal::ExpectMap(node, diagnostics) ? node.entries() : none;
}

/// What this version reads and checks, and does not act by.
void WarnOfNoEffect(const YamlNode& root, const JobSpec& job, Diagnostics& diagnostics) {
  if (job.checkpoint.guarantee == Guarantee::kAtLeastOnce) {
    const YamlNode& guarantee = *root.Find("checkpoint")->Find("guarantee");
    diagnostics.Warn(errors::kNotYet, guarantee.place(),
                     "'at_least_once' has no effect yet: results are exactly once all the same", {},
                     guarantee.length());
  }
}

}  // namespace

JobSpec ReadJob(const YamlNode& root, const Vocabulary& vocabulary, Diagnostics& diagnostics) {
  JobSpec job;
  if (root.kind() != YamlNode::Kind::kMap) {
    if (!diagnostics.has_errors()) {
      diagnostics.Error(errors::kBadValue, root.place(),
                        root.kind() == YamlNode::Kind::kNull ? "there is no job in this file"
                                                             : "a job is a map of keys",
                        "begin with job: NAME");
    }
    return job;
  }
  job.text = ToYaml(root);
  JobKeys keys;
  JobKeys::Describe().Read(root, diagnostics, keys);
  job.name = std::move(keys.name);
  job.parallelism = keys.parallelism;
  job.checkpoint = keys.checkpoint;
  job.restart = keys.restart;
  job.autoscale = keys.autoscale;
  job.limits = keys.limits;
  if (job.restart.backoff.max < job.restart.backoff.initial) {
    diagnostics.Error(errors::kOutOfBounds, root.Find("restart")->place(),
                      "'max' of the backoff must not be below 'initial'");
  }
  if (job.autoscale && job.autoscale->max < job.autoscale->min) {
    diagnostics.Error(errors::kOutOfBounds, root.Find("autoscale")->place(),
                      "'max' of autoscale must not be below 'min'");
  }
  WarnOfNoEffect(root, job, diagnostics);
  const NodeReader reader(vocabulary, diagnostics);
  if (root.Find("on_error") != nullptr) {
    reader.ReadOnError(keys.on_error, keys.on_error.place(), job.on_error);
  }
  job.connections = reader.ReadConnections(keys.connections);
  for (const auto& entry : NodesOf(keys.sources, diagnostics)) {
    job.sources.push_back(reader.ReadSource(entry));
  }
  for (const auto& entry : NodesOf(keys.steps, diagnostics)) {
    job.steps.push_back(reader.ReadStep(entry));
  }
  for (const auto& entry : NodesOf(keys.sinks, diagnostics)) {
    job.sinks.push_back(reader.ReadSink(entry));
  }
  const auto inherit = [&](auto& nodes) {
    for (auto& node : nodes) {
      if (node.on_error.place.source == nullptr) node.on_error = job.on_error;
    }
  };
  inherit(job.sources);
  inherit(job.steps);
  inherit(job.sinks);
  const auto key_place = [&](std::string_view key) {
    for (const YamlNode::Entry& entry : root.entries()) {
      if (entry.key == key) return entry.key_place;
    }
    return root.place();
  };
  if (job.sources.empty()) {
    diagnostics.Error(errors::kNoSink, key_place("sources"), "the job has no source");
  }
  if (job.sinks.empty()) {
    diagnostics.Error(errors::kNoSink, key_place("sinks"), "the job has no sink",
                      "add one: sinks: { screen: { from: NODE, stdout: {} } }");
  }
  CheckGraph(job, diagnostics);
  return job;
}

JobSpec ReadJobFile(const JobInput& input, const Vocabulary& vocabulary, Diagnostics& diagnostics) {
  YamlNode root = ReadYamlFile(input.path, input.variables, diagnostics);
  if (root.kind() == YamlNode::Kind::kNull && diagnostics.has_errors()) return {};
  for (const std::string& assignment : input.overrides) {
    root = SetValue(root, assignment, input.variables, diagnostics);
  }
  return ReadJob(root, vocabulary, diagnostics);
}

}  // namespace weir
