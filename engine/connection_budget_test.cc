#include "engine/connection_budget.h"

#include "engine/testing.h"
#include "tests/catch.h"

namespace weir {
namespace {

/// Needs ten connections for each place and one for each broker, in a cluster of that name.
template <typename Plan>
class LinkedPlan final : public Plan {
 public:
  explicit LinkedPlan(std::string cluster) : cluster_(std::move(cluster)) {}
  std::string cluster() const override { return cluster_; }
  uint32_t MostConnections(uint32_t places, uint32_t brokers) const override {
    return 10 * places + brokers;
  }

 private:
  const std::string cluster_;
};

class NoSource : public SourcePlan {
 public:
  const SchemaPtr& columns() const override { return columns_; }
  size_t visible() const override { return 0; }
  bool bounded() const override { return false; }
  std::string Describe() const override { return {}; }
  Result<std::unique_ptr<SplitFinder>> MakeFinder(const ConnectorContext&) const override {
    return std::unique_ptr<SplitFinder>();
  }
  Result<std::unique_ptr<SourceReader>> MakeReader(const ConnectorContext&, const std::vector<int>&,
                                                   bool) const override {
    return std::unique_ptr<SourceReader>();
  }

 private:
  SchemaPtr columns_;
};

class NoSink : public SinkPlan {
 public:
  std::string Describe() const override { return {}; }
  Status Check(const ConnectorContext&) const override { return Status::Ok(); }
  Result<std::unique_ptr<SinkWriter>> MakeWriter(const ConnectorContext&, uint32_t) const override {
    return std::unique_ptr<SinkWriter>();
  }
};

using Nodes = std::vector<std::pair<std::string, uint32_t>>;

/// clicks in two tasks and its letters are of `east`, the screen in one task is of `west`.
JobPlan TwoClusters() {
  JobPlan plan = testing::ShopPlan();
  plan.nodes[0].source = std::make_shared<LinkedPlan<NoSource>>("east");
  plan.nodes[2].sink = std::make_shared<LinkedPlan<NoSink>>("west");
  plan.nodes[3].sink = std::make_shared<LinkedPlan<NoSink>>("east");
  return plan;
}

}  // namespace

TEST_CASE("a job's connections are counted for each cluster by tasks, lanes and brokers") {
  const auto budgets = BudgetOf(TwoClusters(), 1, {{"east", 3}, {"west", 6}});
  REQUIRE(budgets.size() == 2);
  CHECK(budgets[0].cluster == "east");
  CHECK(budgets[0].brokers == 3);
  CHECK(budgets[0].nodes == Nodes{{"clicks", 23}, {"letters", 13}});
  CHECK(budgets[0].Sum() == 36);
  CHECK(budgets[1].nodes == Nodes{{"screen", 16}});
}

TEST_CASE("a sink has a lane on each worker that has tasks of it, and no more than tasks") {
  const auto budgets = BudgetOf(TwoClusters(), 5, {{"east", 3}, {"west", 6}});
  CHECK(budgets[0].nodes == Nodes{{"clicks", 23}, {"letters", 23}});
  CHECK(budgets[1].nodes == Nodes{{"screen", 16}});
}

TEST_CASE("nodes without a cluster keep no connections") {
  CHECK(BudgetOf(testing::ShopPlan(), 1, {}).empty());
  CHECK(BudgetOf(testing::ShopPlan(), 1, {{"east", 3}})[0].Sum() == 0);
}

}  // namespace weir
