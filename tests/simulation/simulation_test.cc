// The manager's real core in a world whose clock, network, disks and processes a seed drives.
// WEIR_SIMULATION_SEEDS=n runs n seeds instead of 2,000; WEIR_SIMULATION_SEED=s runs that one and
// shows what happens.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "daemon/manager/states/state.h"
#include "tests/catch.h"
#include "tests/simulation/network.h"
#include "tests/simulation/processes.h"
#include "tests/simulation/world.h"

namespace weir::simulation {
namespace {

uint64_t NumberFrom(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

constexpr const char* kFaults[] = {"message lost",
                                   "message doubled",
                                   "message reordered",
                                   "message delayed",
                                   "cut",
                                   "cut one way",
                                   "session broken",
                                   "worker killed",
                                   "worker paused",
                                   "worker of another version",
                                   "two processes with one worker id",
                                   "workers apart",
                                   "manager killed",
                                   "manager paused",
                                   "manager paused before acting",
                                   "leader elected anew",
                                   "write slow",
                                   "write failed",
                                   "write forgotten",
                                   "write of an old term refused",
                                   "attempt fails for now",
                                   "attempt fails for good",
                                   "attempt needs a decision"};

constexpr const char* kEvents[] = {"job removed", "waiting results resolved", "errand cut"};

/// Runs seeds from `first` on, `count` of them, on all cores; stops at the first violation.
struct Seeds {
  Coverage coverage;
  std::string violation;
  uint64_t seed = 0;  ///< Of the violation.
  uint64_t run = 0;
};
Seeds RunSeeds(uint64_t first, uint64_t count) {
  Seeds seeds;
  std::mutex mutex;
  std::atomic<uint64_t> next{first};
  const auto run = [&] {
    while (true) {
      const uint64_t seed = next++;
      if (seed >= first + count) return;
      World world(seed);
      world.Run();
      std::lock_guard lock(mutex);
      seeds.run++;
      seeds.coverage.Add(world.coverage());
      if (!world.violation().empty() && (seeds.violation.empty() || seed < seeds.seed)) {
        seeds.violation = world.violation();
        seeds.seed = seed;
        next = first + count;
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < std::thread::hardware_concurrency(); i++) threads.emplace_back(run);
  run();
  for (std::thread& thread : threads) thread.join();
  return seeds;
}

TEST_CASE("the manager's rules hold whatever happens to its cluster") {
  if (const uint64_t seed = NumberFrom("WEIR_SIMULATION_SEED", 0); seed != 0) {
    World world(seed, /*loud=*/true);
    world.Run();
    INFO("seed " << seed);
    CHECK(world.violation() == "");
    return;
  }
  const uint64_t count = NumberFrom("WEIR_SIMULATION_SEEDS", 2000);
  const Seeds seeds = RunSeeds(1, count);
  INFO("WEIR_SIMULATION_SEED=" << seeds.seed << " shows what happened");
  REQUIRE(seeds.violation == "");
  REQUIRE(seeds.run == count);

  const Coverage& coverage = seeds.coverage;
  const auto reached = [&](const char* kind, const std::map<std::string, uint64_t>& counts,
                           const std::string& what) {
    const auto it = counts.find(what);
    const uint64_t times = it == counts.end() ? 0 : it->second;
    std::printf("%-10s %-36s %10lu\n", kind, what.c_str(), static_cast<unsigned long>(times));
    INFO(kind << " '" << what << "' was reached " << times << " times");
    CHECK(times >= std::min<uint64_t>(100, count / 20));
  };
  for (const JobState from : manager::kJobStates) {
    reached("state", coverage.states, std::string(manager::NameOf(from)));
    for (const JobState to : manager::StateOf(from).ways_out()) {
      reached("way", coverage.transitions,
              fmt::format("{} -> {}", manager::NameOf(from), manager::NameOf(to)));
    }
  }
  for (const char* fault : kFaults) reached("fault", coverage.faults, fault);
  for (const char* event : kEvents) reached("event", coverage.events, event);
  std::printf("%lu seeds\n", static_cast<unsigned long>(count));
}

TEST_CASE("the same seed has the same history, another one another") {
  std::set<uint64_t> traces;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    World one(seed);
    one.Run();
    World again(seed);
    again.Run();
    CHECK(one.trace() == again.trace());
    traces.insert(one.trace());
  }
  CHECK(traces.size() == 20);
}

TEST_CASE("ways taken are legal ones") {
  const Coverage coverage = RunSeeds(1, 100).coverage;
  std::set<std::string> legal;
  for (const JobState from : manager::kJobStates) {
    for (const JobState to : manager::StateOf(from).ways_out()) {
      legal.insert(fmt::format("{} -> {}", manager::NameOf(from), manager::NameOf(to)));
    }
  }
  for (const auto& [way, times] : coverage.transitions) {
    INFO(way);
    CHECK(legal.contains(way));
  }
}

#ifdef WEIR_FAILPOINTS
TEST_CASE("hidden: a mutant is caught", "[.]") {
  const Seeds seeds = RunSeeds(1, NumberFrom("WEIR_SIMULATION_SEEDS", 2000));
  std::printf("%-36s seed %4lu  %s\n", std::getenv("WEIR_MUTANT"),
              static_cast<unsigned long>(seeds.seed), seeds.violation.c_str());
  REQUIRE(seeds.violation != "");
}

/// Which mutant is active is read once in a process, so each has one of its own.
int RunHidden(const char* test_case, const char* mutant) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("WEIR_MUTANT", mutant, 1);
    ::execl("/proc/self/exe", "simulation_test", test_case, "-o", "/dev/null",
            static_cast<char*>(nullptr));
    ::_exit(127);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("each mutant of the manager is caught") {
  const char* const mutant = GENERATE(
      "manager_deploy_before_stored", "manager_no_grace", "manager_adopts_any_attempt",
      "manager_lease_end_ignored", "manager_lanes_not_raised", "manager_old_incarnation_accepted",
      "manager_leaves_old_attempts", "manager_counts_attempts_anew", "manager_tells_stop_once",
      "manager_forgets_slots", "manager_answers_before_stored", "manager_errand_unnumbered",
      "manager_forgets_removed");
  INFO(mutant);
  CHECK(RunHidden("hidden: a mutant is caught", mutant) == 0);
}
#endif

}  // namespace
}  // namespace weir::simulation
