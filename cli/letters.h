#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "connectors/dead_letter.h"
#include "engine/plan.h"

namespace weir {

/// Where the dead letters of some of a job's nodes are.
struct LetterBox {
  const NodePlan* sink = nullptr;
  std::set<std::string> nodes;  ///< All whose letters go there, as the job names them.
  std::string only;             ///< The one that was asked for; empty: all of them.
};

/// The dead letters of `node`: of a source, step or sink, or a dead letter by its own name; empty:
/// the job's only ones. kNothingThere where it has none.
Result<LetterBox> FindLetters(const JobPlan& plan, const std::string& node);

/// A letter and where it is: `orders.dead/0/17`.
struct PlacedLetter {
  DeadLetter letter;
  std::string place;
  std::string json;  ///< As it was written.
};

/// Reads dead letters from their first one to the end that there is when it begins.
class LetterReader {
 public:
  /// kNothingThere where letters of such a sink can't be read.
  static Result<std::unique_ptr<LetterReader>> Open(const LetterBox& box,
                                                    const ConnectorContext& context);

  /// What is read, in parts; positions in them may be moved until Start.
  std::vector<Split>& splits() { return splits_; }
  Status Start();
  /// Letters of one part, in their order; none: all are read.
  Result<std::optional<std::vector<PlacedLetter>>> Next();
  /// Behind the letters given.
  std::map<std::string, std::string> Positions() const { return reader_->Positions(); }
  /// Records that are no dead letters.
  int64_t foreign() const { return foreign_; }

 private:
  std::shared_ptr<const SourcePlan> source_;
  std::unique_ptr<SourceReader> reader_;
  std::vector<Split> splits_;
  std::set<std::string> unfinished_;
  int64_t foreign_ = 0;
};

}  // namespace weir
