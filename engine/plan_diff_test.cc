#include "engine/plan_diff.h"

#include <algorithm>

#include "engine/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

using Fate = NodeDifference::Fate;

struct Node {
  NodePlan::Role role;
  std::string name;
  std::string shape;  ///< Of its state; empty: it keeps none.
};

JobPlan PlanOf(const std::vector<Node>& nodes, uint32_t parallelism = 2) {
  JobPlan plan;
  plan.fragments.push_back({.name = "all", .parallelism = parallelism, .nodes = {}});
  for (const Node& node : nodes) {
    NodePlan made;
    made.role = node.role;
    made.name = node.name;
    made.user_name = node.name;
    made.fragment = 0;
    if (node.role == NodePlan::Role::kOperator) {
      auto op = std::make_shared<OperatorPlan>();
      op->stateful = !node.shape.empty();
      op->state_shape = node.shape;
      made.op = op;
    }
    plan.nodes.push_back(std::move(made));
  }
  return plan;
}

const Node kClicks{NodePlan::Role::kSource, "clicks", ""};
const Node kCounts{NodePlan::Role::kOperator, "counts", "window 10s: count"};
const Node kLarge{NodePlan::Role::kOperator, "large", ""};
const Node kOut{NodePlan::Role::kSink, "out", ""};

std::string Told(const std::vector<NodeDifference>& differences) {
  std::string text;
  for (const NodeDifference& one : differences) {
    text += (text.empty() ? "" : ", ") + one.name + " " + std::string(NameOf(one.fate));
  }
  return text;
}

TEST_CASE("what stays as it was is kept, at another parallelism moved") {
  const JobPlan plan = PlanOf({kClicks, kCounts, kOut});
  CHECK(Told(DiffPlans(plan, plan, {})) == "clicks kept, counts kept, out kept");
  CHECK(DiffPlans(plan, plan, {})[1].detail == "keeps its state");
  const auto moved = DiffPlans(plan, PlanOf({kClicks, kCounts, kOut}, 3), {});
  CHECK(Told(moved) == "clicks moved, counts moved, out moved");
  CHECK(moved[1].detail == "from 2 tasks to 3; keeps its state");
}

/// Reads topics by their names; only what a difference asks is there.
class Topics final : public SourcePlan {
 public:
  explicit Topics(std::vector<std::string> names) : names_(std::move(names)) {}
  std::vector<std::string> Inputs() const override { return names_; }
  bool Reads(const std::string& input) const override {
    return std::find(names_.begin(), names_.end(), input) != names_.end();
  }
  const SchemaPtr& columns() const override { return none_; }
  size_t visible() const override { return 0; }
  bool bounded() const override { return false; }
  std::string Describe() const override { return "topics"; }
  Result<std::unique_ptr<SplitFinder>> MakeFinder(const ConnectorContext&) const override {
    return std::unique_ptr<SplitFinder>();
  }
  Result<std::unique_ptr<SourceReader>> MakeReader(const ConnectorContext&, const std::vector<int>&,
                                                   bool) const override {
    return std::unique_ptr<SourceReader>();
  }

 private:
  const std::vector<std::string> names_;
  const SchemaPtr none_;
};

TEST_CASE("topics that a source no longer names are told, and those that it names now") {
  JobPlan before = PlanOf({kClicks, kOut});
  before.nodes[0].source = std::make_shared<Topics>(std::vector<std::string>{"a", "b"});
  JobPlan after = PlanOf({kClicks, kOut});
  after.nodes[0].source = std::make_shared<Topics>(std::vector<std::string>{"a", "c"});
  const auto differences = DiffPlans(before, after, {});
  CHECK(Told(differences) == "clicks kept, out kept");
  CHECK(differences[0].detail ==
        "goes on from its positions; b is no longer read: its positions are dropped; "
        "c is new: it is read from its first record");
  // The job file has said it by name, and no row that was read is lost by it.
  CHECK(CheckDrops(differences, {}).ok());
  CHECK(DiffPlans(before, before, {})[0].detail == "goes on from its positions");
}

TEST_CASE("state of another shape, or of a step that is gone, is dropped if that is said") {
  const JobPlan before = PlanOf({kClicks, kCounts, kOut});
  Node other = kCounts;
  other.shape = "window 1m: count";
  CHECK(Told(DiffPlans(before, PlanOf({kClicks, other, kOut}), {})) ==
        "clicks kept, counts rebuilt, out kept");
  other.shape = "";
  CHECK(Told(DiffPlans(before, PlanOf({kClicks, other, kOut}), {})) ==
        "clicks kept, counts rebuilt, out kept");
  CHECK(Told(DiffPlans(before, PlanOf({kClicks, kOut}), {})) ==
        "clicks kept, out kept, counts dropped");
}

TEST_CASE("what would be dropped must be said, by its name") {
  const JobPlan before = PlanOf({kClicks, kCounts, kLarge, kOut});
  const JobPlan after = PlanOf({kClicks, kLarge, kOut});
  const auto check = [&](const JobPlan& plan, const std::vector<std::string>& drop_state) {
    return CheckDrops(DiffPlans(before, plan, drop_state), drop_state);
  };
  CHECK(check(before, {}).ok());
  const Status unsaid = check(after, {});
  CHECK(unsaid.Is(errors::kWouldDrop));
  CHECK(unsaid.message().find("step 'counts': its state is dropped") != std::string::npos);
  CHECK(unsaid.cure().find("--drop-state counts") != std::string::npos);
  CHECK(check(after, {"counts"}).ok());
  // What fits may be given up as well.
  CHECK(check(before, {"counts", "clicks"}).ok());
  CHECK(Told(DiffPlans(before, before, {"counts", "clicks"})) ==
        "clicks rebuilt, counts rebuilt, large kept, out kept");
  for (const char* name : {"cuonts", "large", "out"}) {
    const Status nothing = check(after, {"counts", name});
    CHECK(nothing.Is(errors::kNothingToDrop));
    CHECK(nothing.cure().find("clicks, counts") != std::string::npos);
  }
}

TEST_CASE("what keeps nothing comes and goes, sources do not go") {
  const JobPlan before = PlanOf({kClicks, kLarge, kOut});
  CHECK(Told(DiffPlans(before, PlanOf({kClicks, kCounts, kOut}), {})) ==
        "clicks kept, counts new, out kept, large gone");
  Node views = kClicks;
  views.name = "views";
  CHECK(Told(DiffPlans(before, PlanOf({views, kLarge, kOut}), {})) ==
        "views new, large kept, out kept, clicks dropped");
  Node table = kOut;
  table.name = "table";
  CHECK(Told(DiffPlans(before, PlanOf({kClicks, kLarge, table}), {})) ==
        "clicks kept, large kept, table new, out gone");
}

TEST_CASE("a name that becomes another kind of node is another node") {
  Node as_sink = kLarge;
  as_sink.role = NodePlan::Role::kSink;
  CHECK(Told(DiffPlans(PlanOf({kClicks, kLarge}), PlanOf({kClicks, as_sink}), {})) ==
        "clicks kept, large new, large gone");
}

}  // namespace
}  // namespace weir
