#include <fmt/format.h>

#include "tests/simulation/processes.h"

namespace weir::simulation {

namespace commands = manager::commands;

constexpr const char* kJobs[] = {"clicks", "users", "bounded", "scaled"};

void User::Ask(const std::string& job, const std::string& what, manager::Command command) {
  SimManager* leader = world_.Leader();
  if (!leader) return;
  const uint64_t request = ++requests_;
  asked_[request] = {job, what};
  newest_[job] = request;
  busy_until_us_[job] = world_.now_us() + 2 * kSecond;
  world_.Note(what, request, 0, job);
  world_.In(*leader, world_.random.Between(100, 2 * kMs), [leader, request, command] {
    leader->Told(manager::facts::Asked{{request}, "user", command});
  });
}

void User::Answered(const manager::actions::Reply& reply, SimManager& by) {
  const auto it = asked_.find(reply.request.value);
  if (it == asked_.end()) return world_.Violate("a request was answered twice, or never asked");
  const Asked asked = it->second;
  asked_.erase(it);
  if (!reply.status.ok()) return;
  if (newest_[asked.job] != reply.request.value) return;
  busy_until_us_[asked.job] = 0;
  const manager::JobRecord* stored = world_.store->Job(asked.job);
  // An earlier request may have come later; and another may lead meanwhile.
  for (const auto& [request, other] : asked_) {
    if (other.job == asked.job) return;
  }
  if (by.core().term() != world_.store->term()) return;
  if (asked.what == "submit" && !stored) world_.Violate("a submitted job is not stored");
  if (asked.what == "remove" && stored) world_.Violate("a removed job is still stored");
  if (asked.what == "cancel" && (!stored || stored->state != JobState::kCancelled)) {
    world_.Violate("a cancelled job is not stored as such");
  }
  if (asked.what == "stop" && stored) {
    const bool at_rest = stored->state != JobState::kWaiting && !stored->attempt;
    const bool will = stored->next && stored->next->purpose == manager::NextStep::Purpose::kStop;
    if (!at_rest && !will) world_.Violate("a stop was answered and is not stored");
  }
}

void User::UndrainAll() {
  for (const auto& worker : world_.workers) {
    Ask("", "undrain", commands::Undrain{worker->id()});
  }
}

void User::Act() {
  SimManager* leader = world_.Leader();
  if (!leader) return;
  Random& random = world_.random;
  if (random.Chance(0.08)) {
    const std::string& id = world_.workers[random.Below(world_.workers.size())]->id();
    if (random.Chance(0.5)) return Ask("", "drain", commands::Drain{id});
    return Ask("", "undrain", commands::Undrain{id});
  }
  const std::string job = kJobs[random.Below(std::size(kJobs))];
  if (world_.now_us() < busy_until_us_[job]) return;
  manager::JobPolicy policy;
  policy.restart_max = Duration::Seconds(4);
  policy.sinks = {"out"};
  if (random.Chance(0.3)) policy.restart_attempts = 2;
  if (job == "scaled")
    policy.autoscale =
        manager::AutoscaleBounds{1, 4, 0.7, {}, Duration::Seconds(2), Duration::Seconds(2)};
  const auto parallelism = static_cast<uint32_t>(random.Between(1, 4));
  const std::string instance = fmt::format("instance {}", requests_);
  const auto yaml = std::make_shared<std::string>(fmt::format("job: {} {}", job, requests_));
  manager::AttemptChoices choices;
  choices.fresh = random.Chance(0.3);
  choices.take_over = random.Chance(0.3);
  const auto known = leader->core().jobs().find(job);
  const auto submit = [&] {
    Ask(job, "submit", commands::Submit{job, yaml, parallelism, policy, choices, instance});
  };
  if (known == leader->core().jobs().end()) {
    choices = {};
    return submit();
  }
  const bool at_rest =
      !known->second.record.attempt && known->second.record.state != JobState::kWaiting;
  if (at_rest) {
    switch (random.Below(8)) {
      case 0:
        return Ask(job, "cancel", commands::Cancel{job});
      case 1:
        return Ask(job, "restart", commands::Restart{job, choices, instance});
      case 2:
        return;
      case 3:
        return Ask(job, "remove", commands::Remove{job});
      case 4: {
        manager::Errand errand{manager::Errand::Kind::kResolve, 0, false, "out", true};
        return Ask(job, "resolve", commands::RunErrand{job, errand});
      }
      default:
        submit();
    }
    // Second thoughts, before it can have begun.
    if (random.Chance(0.5)) {
      world_.scheduler.After(random.Between(kMs, 12 * kMs), [this, job] {
        if (world_.random.Chance(0.5)) return Ask(job, "stop", commands::Stop{job, false});
        Ask(job, "cancel", commands::Cancel{job});
      });
    }
    return;
  }
  switch (random.Below(10)) {
    case 0:
      return Ask(job, "stop", commands::Stop{job, random.Chance(0.5)});
    case 1:
      return Ask(job, "cancel", commands::Cancel{job});
    case 2:
      return Ask(job, "savepoint", commands::Savepoint{job});
    case 3:
    case 4:
      return Ask(job, "rescale", commands::Rescale{job, parallelism});
    case 5:
      return Ask(job, "upgrade", commands::Upgrade{job, yaml, parallelism, policy, {"step"}});
    case 6:
      return Ask(job, "submit", commands::Submit{job, yaml, parallelism, policy, {}, instance});
    case 7:
      return Ask(job, "restart", commands::Restart{job, {}, instance});
    case 8:
      return Ask(job, "verify",
                 commands::RunErrand{job, {manager::Errand::Kind::kVerify, 0, false, "", false}});
    default:
      return;
  }
}

}  // namespace weir::simulation
