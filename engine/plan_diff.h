#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/plan.h"

namespace weir {

/// What becomes of a source, a step or a sink of a job when another text of it takes over.
struct NodeDifference {
  enum class Fate {
    kKept,     ///< It goes on where it was, with its state or its positions.
    kMoved,    ///< The same, split anew among another number of tasks.
    kNew,      ///< It begins without state, or at its start.
    kGone,     ///< It ends, and keeps nothing.
    kRebuilt,  ///< It begins anew: what it keeps is dropped, since it does not fit or as was asked.
    kDropped,  ///< It ends, and what it keeps is dropped.
  };
  std::string kind;  ///< source, step or sink
  std::string name;
  Fate fate = Fate::kKept;
  std::string detail;  ///< What is kept, or why not.
  bool keeps = false;  ///< The node of the old text keeps state or positions.
};
/// `kept`, `moved`, `new`, `gone`, `rebuilt`, `dropped`.
std::string_view NameOf(NodeDifference::Fate fate);

/// What an upgrade from one plan to another does, by CheckSameJob's rules, if what `drop_state`
/// names is dropped: nodes of the new one in its order, then those that are gone. Pure.
std::vector<NodeDifference> DiffPlans(const JobPlan& before, const JobPlan& after,
                                      const std::vector<std::string>& drop_state);

/// Whether the user has said that all may be dropped that would be, and names nothing that keeps
/// nothing. Pure.
Status CheckDrops(const std::vector<NodeDifference>& differences,
                  const std::vector<std::string>& drop_state);

}  // namespace weir
