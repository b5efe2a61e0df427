// Workers that cannot reach each other, and what becomes of the jobs that want both.

#include "daemon/manager/core.h"
#include "daemon/manager/testing/harness.h"

namespace weir::manager {
namespace {

using testing::CoreHarness;

TEST_CASE("workers that can't reach each other are not placed together for a while") {
  CoreHarness m;
  m.Elect();
  for (const char* id : {"w1", "w2", "w3"}) m.Open(id, 1);
  m.Ask(m.Submit("clicks", 2));
  CHECK(m.Hosts("clicks") == "w1 w2");
  AttemptOutcome outcome = m.Fails();
  outcome.unreachable = {{"w2", "w1"}};
  m.End("clicks", outcome);
  CHECK(m.Hosts("clicks") == "w1 w3");
  outcome.unreachable = {{"w1", "w3"}};
  m.End("clicks", outcome);
  m.Pass(400);
  CHECK(m.Hosts("clicks") == "w2 w3");
  outcome.unreachable = {{"w2", "w3"}};
  m.End("clicks", outcome);
  m.Pass(1'000);
  CHECK(m.State("clicks") == "waiting");
  CHECK(m.Why("clicks").find("workers w1 and w2 could not reach each other") != std::string::npos);
  m.Pass(30'000);
  CHECK(m.State("clicks") == "starting");
}

TEST_CASE("a worker that was lost just then explains why it was not reached") {
  CoreHarness m;
  m.Elect();
  for (const char* id : {"w1", "w2"}) m.Open(id, 1);
  m.Ask(m.Submit("clicks", 2));
  AttemptOutcome outcome = m.Fails();
  outcome.unreachable = {{"w1", "w2"}};
  m.End("clicks", outcome);
  REQUIRE(m.State("clicks") == "waiting");
  CHECK(m.core.DescribeWorker("w1", m.Time().monotonic).find("together with w2") !=
        std::string::npos);
  SECTION("its new process may be with the others at once") {
    m.Break("w2");
    m.Open("w2", 1, "b");
  }
  SECTION("so may one that was lost, and is back") {
    m.Break("w2");
    m.Pass(6'000);  // Longer than a new manager waits for workers.
    REQUIRE(m.core.cluster().Find("w2")->lost);
    REQUIRE(m.State("clicks") == "waiting");
    m.Open("w2", 1);
  }
  CHECK(m.Hosts("clicks") == "w1 w2");
  CHECK(m.core.DescribeWorker("w1", m.Time().monotonic).find("together") == std::string::npos);
}

}  // namespace
}  // namespace weir::manager
