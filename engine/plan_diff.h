#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/plan.h"

namespace weir {

/// What becomes of a source, a step or a sink of a job when another text of it takes over.
struct NodeDifference {
  enum class Fate {
    kKept,     ///< It goes on where it was, with its state or its positions.
    kMoved,    ///< The same, split anew among another number of tasks.
    kNew,      ///< It begins without state, or at its start.
    kGone,     ///< It ends, and keeps nothing.
    kRefused,  ///< What it keeps does not fit the new text: the change would be refused.
  };
  std::string kind;  ///< source, step or sink
  std::string name;
  Fate fate = Fate::kKept;
  std::string detail;  ///< What is kept, or why not.
};
/// `kept`, `moved`, `new`, `gone`, `refused`.
std::string_view NameOf(NodeDifference::Fate fate);

/// What an upgrade from one plan to another does, by CheckSameJob's rules: nodes of the new one in
/// its order, then those that are gone. Pure.
std::vector<NodeDifference> DiffPlans(const JobPlan& before, const JobPlan& after);

}  // namespace weir
