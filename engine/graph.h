#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/job_spec.h"
#include "engine/planner.h"

namespace weir {

/// Which columns of a source each of its readers needs, by (source, reader): indices into
/// SourcePlan::columns(), visible and hidden ones.
using Projection = std::map<std::pair<std::string, std::string>, std::set<int>>;

/// A job's nodes and exchanges, not yet cut into fragments.
struct Graph {
  JobPlan plan;
  /// Nodes that pick a reader's columns out of a source's, by (source, reader).
  std::map<std::pair<std::string, std::string>, int> picks;
  /// Nodes that a fragment must begin at, with the parallelism asked for (0: the job's).
  std::map<int, uint32_t> parallelism;
  /// Dead letters by the node that rejects, to be placed in its fragment.
  struct DeadLetter {
    int node = -1;  ///< Whose rejects they are.
    std::string name;
    std::shared_ptr<const SinkPlan> sink;
    std::string connector;
  };
  std::vector<DeadLetter> dead_letters;
};

/// Builds the nodes of a job. Without `projection` each source gives all its columns; with it only
/// those that are needed. Faults go to `diagnostics`; nothing is returned then.
std::optional<Graph> BuildGraph(const JobSpec& job, const PlanContext& context,
                                const Projection* projection, LearnedTexts& learned,
                                Diagnostics& diagnostics);

/// What the readers of each source need, from a graph built without a projection.
Projection RequiredColumns(const Graph& graph, const std::set<std::string>& always);

/// Cuts the graph into fragments along its exchanges.
void CutIntoFragments(const JobSpec& job, Graph& graph);

}  // namespace weir
