#include "daemon/supervisor/notices.h"

#include "tests/catch.h"

using namespace weir;

namespace {

using Phase = ServiceStanding::Phase;

ServiceStanding Standing(Phase phase, std::string status = "", std::optional<uint64_t> turns = {}) {
  ServiceStanding standing;
  standing.phase = phase;
  standing.status = std::move(status);
  standing.turns = turns;
  return standing;
}

constexpr Duration At(int64_t seconds) { return Duration::Seconds(seconds); }

}  // namespace

TEST_CASE("a process is ready once, and not before it says so") {
  ServiceNotices notices(std::nullopt);
  CHECK(notices.Next(Standing(Phase::kStarting, "waits"), At(0)) == "STATUS=waits\n");
  CHECK(notices.Next(Standing(Phase::kReady, "works"), At(1)) == "READY=1\nSTATUS=works\n");
  CHECK(notices.Next(Standing(Phase::kReady, "works"), At(20)).empty());
  // Starting anew after it has been ready is no news but its status.
  CHECK(notices.Next(Standing(Phase::kStarting, "waits"), At(40)) == "STATUS=waits\n");
}

TEST_CASE("a process that was done before anybody looked had been ready") {
  ServiceNotices notices(std::nullopt);
  CHECK(notices.Next(Standing(Phase::kDone), At(0)) == "READY=1\n");
  CHECK(notices.Next(Standing(Phase::kDone), At(1)).empty());
}

TEST_CASE("a job that began to end before anybody looked had been ready, too") {
  ServiceNotices notices(std::nullopt);
  CHECK(notices.Next(Standing(Phase::kStopping), At(0)) == "STOPPING=1\n");
  CHECK(notices.Next(Standing(Phase::kDone), At(1)) == "READY=1\n");
}

TEST_CASE("a process that gives up before it is ready is never ready") {
  ServiceNotices notices(std::nullopt);
  CHECK(notices.Next(Standing(Phase::kStarting), At(0)).empty());
  CHECK(notices.Next(Standing(Phase::kStopping, "refused"), At(1)) ==
        "STOPPING=1\nSTATUS=refused\n");
  CHECK(notices.Next(Standing(Phase::kStopping, "refused"), At(2)).empty());
}

TEST_CASE("a status that changes all the time is told now and then, in one line") {
  ServiceNotices notices(std::nullopt);
  CHECK(notices.Next(Standing(Phase::kReady, "one\ntwo"), At(0)) == "READY=1\nSTATUS=one two\n");
  CHECK(notices.Next(Standing(Phase::kReady, "three"), At(4)).empty());
  CHECK(notices.Next(Standing(Phase::kReady, "four"), At(5)) == "STATUS=four\n");
  // A new phase is told at once.
  CHECK(notices.Next(Standing(Phase::kStopping, "five"), At(6)) == "STOPPING=1\nSTATUS=five\n");
}

TEST_CASE("the watchdog is fed while the loop goes round, or need not") {
  ServiceNotices notices(At(30));
  CHECK(notices.every() == At(1));
  CHECK(notices.Next(Standing(Phase::kReady, "", 7), At(0)) == "READY=1\nWATCHDOG=1\n");
  CHECK(notices.Next(Standing(Phase::kReady, "", 7), At(1)).empty());
  CHECK(notices.Next(Standing(Phase::kReady, "", 8), At(2)) == "WATCHDOG=1\n");
  CHECK(notices.Next(Standing(Phase::kReady), At(3)) == "WATCHDOG=1\n");
  CHECK(notices.Next(Standing(Phase::kReady), At(4)) == "WATCHDOG=1\n");
  // Back in its loop, which stood meanwhile.
  CHECK(notices.Next(Standing(Phase::kReady, "", 8), At(5)) == "WATCHDOG=1\n");
  CHECK(notices.Next(Standing(Phase::kReady, "", 8), At(6)).empty());
}

TEST_CASE("looks are several to a short watchdog") {
  CHECK(ServiceNotices(Duration::Millis(400)).every() == Duration::Millis(100));
  CHECK(ServiceNotices(std::nullopt).every() == At(1));
}

TEST_CASE("a start that waits for others asks for more time, until it is ready") {
  ServiceNotices notices(std::nullopt);
  ServiceStanding waits = Standing(Phase::kStarting);
  CHECK(notices.Next(waits, At(0)).empty());
  waits.patient_start = true;
  CHECK(notices.Next(waits, At(1)) == "EXTEND_TIMEOUT_USEC=60000000\n");
  CHECK(notices.Next(waits, At(2)).empty());
  CHECK(notices.Next(waits, At(6)) == "EXTEND_TIMEOUT_USEC=60000000\n");
  CHECK(notices.Next(Standing(Phase::kReady), At(7)) == "READY=1\n");
  CHECK(notices.Next(waits, At(60)).empty());
}
