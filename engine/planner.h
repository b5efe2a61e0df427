#pragma once

#include <optional>
#include <string>

#include "config/job_spec.h"
#include "engine/plan.h"

namespace weir {

/// The words that jobs may use: those of the tables of connectors, formats and clauses, and those
/// that are known and come later.
const Vocabulary& JobVocabulary();

/// What planning needs beside the job.
struct PlanContext {
  std::string folder;  ///< Of the job file: relative paths count from here.
  EventTime now;
  /// Whether registries may be asked for what the job's text does not say; where not, a job that
  /// needs it cannot be planned (kNotLearned).
  bool ask = true;
  /// The text that the job ran with before, if it did: what was learned for it still counts.
  std::string before;
};

/// Checks everything that can be checked without a connection, and plans the job: names and types
/// of all expressions, what each source must decode, where rows change tasks. Faults go to
/// `diagnostics`, all of them, and nothing is returned then.
std::optional<JobPlan> PlanJob(const JobSpec& job, const PlanContext& context,
                               Diagnostics& diagnostics);

}  // namespace weir
