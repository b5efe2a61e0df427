#include "engine/error_budget.h"

#include "engine/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

std::map<std::string, NodeTally> Counted(int64_t in, int64_t rejected) {
  NodeTally tally;
  tally.counts.in = in;
  tally.counts.rejected = rejected;
  if (rejected > 1) tally.rejected["WEIR-F002"] = {rejected - 1, "price: expected double"};
  if (rejected > 0) tally.rejected["WEIR-F004"] = {1, "empty"};
  return {{"orders", tally}};
}

ErrorBudget OnePercent() { return ErrorBudget({{"orders", {"orders", 0.01, true}}}); }

}  // namespace

TEST_CASE("a share above the limit is told with its most frequent reason") {
  ErrorBudget budget = OnePercent();
  CHECK(budget.Count("shop", Counted(99, 99)).ok());  // Too few to say.
  const Status over = budget.Count("shop", Counted(1, 0));
  REQUIRE(over.Is(errors::kTooManyRejected));
  CHECK(over.message() ==
        "'orders' rejected 99 of its last 100 records, 99 %, and may reject 1 %; most often "
        "WEIR-F002 (98 times): price: expected double");
  CHECK(over.cure().find("weir dlq show") != std::string::npos);
  CHECK(OnePercent().Count("shop", Counted(1000, 10)).ok());  // Not above.
  CHECK(OnePercent().Count("shop", Counted(1000, 11)).Is(errors::kTooManyRejected));
}

TEST_CASE("the share is of the newest checkpoints with ten thousand records between them") {
  ErrorBudget budget = OnePercent();
  CHECK(budget.Count("shop", Counted(20'000, 200)).ok());
  CHECK(budget.Count("shop", Counted(6'000, 0)).ok());
  CHECK(budget.Count("shop", Counted(6'000, 110)).ok());  // 110 of 12,000: the first is forgotten.
  CHECK(budget.Count("shop", Counted(0, 0)).ok());
  CHECK(budget.Count("shop", Counted(5'000, 20)).Is(errors::kTooManyRejected));  // 130 of 11,000.
}

TEST_CASE("nodes without a limit may reject all they get") {
  ErrorBudget budget({});
  CHECK(budget.Count("shop", Counted(1000, 1000)).ok());
}

}  // namespace weir
