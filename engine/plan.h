#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/connector.h"
#include "engine/ledger.h"
#include "engine/split_clock.h"
#include "operators/operator.h"

namespace weir {

/// What becomes of a record or row that a node can't take.
struct ErrorPolicy {
  enum class Action { kFail, kSkip, kDeadLetter };
  Action action = Action::kFail;
  int dead_letter = -1;  ///< kDeadLetter: the sink node that takes it.
  /// A larger share of the node's records stops the job; none: any share is borne.
  std::optional<double> max_rejected;
};

/// Where a source's rows get their event time.
struct EventTimeBinding {
  int column = -1;      ///< Of the source's batches; -1: processing time.
  int64_t unit_us = 1;  ///< An int64 column is in units of so many microseconds.
  Duration max_ahead = Duration::Seconds(86400);
  EventTimePolicy policy;
};

/// A node of the physical plan: a source, one operator of a step, or a sink. Immutable.
struct NodePlan {
  enum class Role { kSource, kOperator, kSink };
  Role role = Role::kOperator;
  std::string name;       ///< Unique: `sessions/window`; the ledger's and metrics' name.
  std::string user_name;  ///< The source, step or sink as the job names it.
  std::vector<int> inputs;
  SchemaPtr output;  ///< Sinks: the columns they are given.
  ErrorPolicy on_error;
  int fragment = -1;

  std::shared_ptr<const SourcePlan> source;
  std::vector<int> wanted;  ///< Columns of source->columns() that are read.
  std::optional<EventTimeBinding> event_time;
  bool needs_origins = false;

  OperatorPlanPtr op;
  /// Its input are partial aggregates: rows weigh what their weight column says.
  bool weighted_input = false;

  std::shared_ptr<const SinkPlan> sink;
  std::string connector;
  size_t visible = 0;  ///< Sinks: columns of the input that are written; computed ones follow.
  std::vector<ExpressionPtr> computed;
  bool is_dead_letter = false;  ///< Takes rejected records instead of rows of its inputs.

  /// What a source or sink reaches outside; null of an operator.
  const Linked* Outside() const {
    return source ? static_cast<const Linked*>(source.get()) : sink.get();
  }
};

/// Rows of `from` go to tasks of another fragment, where `to` takes them.
struct ExchangePlan {
  int from = -1;
  int to = -1;
  bool keyed = false;               ///< Otherwise task i gives to task i mod parallelism.
  std::vector<ExpressionPtr> keys;  ///< Over from's output; none: one task gets all.
  std::string name;                 ///< `clicks -> sessions/window`.

  /// `by userid`, `all to one task`, `as it comes`.
  std::string Describe() const;
};

/// The longest chain of nodes without a change of key; runs as `parallelism` tasks.
struct FragmentPlan {
  std::string name;  ///< Of its first node.
  uint32_t parallelism = 1;
  std::vector<int> nodes;  ///< Inputs before those that read them; dead letter sinks last.
  bool has_source = false;
};

/// Bounds within which a cluster chooses a job's parallelism by its load.
struct AutoscalePlan {
  uint32_t min = 1;
  uint32_t max = 1;
  double target_busy = 0.7;
  Duration window;
  Duration cooldown;
};

/// A job, checked and ready to run.
struct JobPlan {
  std::string name;
  std::string text;  ///< The job as YAML, after --set and --var.
  Duration checkpoint_interval;
  Duration checkpoint_timeout;
  uint32_t retain = 3;
  bool bounded = false;
  std::optional<int64_t> restart_attempts;  ///< None: unlimited.
  Duration restart_initial;
  Duration restart_max;
  std::optional<AutoscalePlan> autoscale;
  std::optional<double> rows_per_task;  ///< A second, of each source task; none: any number.
  std::vector<NodePlan> nodes;
  std::vector<ExchangePlan> exchanges;
  std::vector<FragmentPlan> fragments;

  /// The nodes with their equations.
  std::vector<LedgerNode> Ledger() const;
  /// What tells this job's text from others': the first 12 hex digits of its SHA-256.
  std::string Version() const;
  /// Fragments, exchanges, what is decoded, where state is: `weir explain`.
  std::string Explain() const;
};

}  // namespace weir
