#include "engine/rates.h"

#include <algorithm>

namespace weir {
namespace {

constexpr Duration kShortestLook = Duration::Millis(500);
// Windows close in bursts: over less than this a rate says little.
constexpr Duration kShortestBetweenCheckpoints = Duration::Seconds(1);
constexpr double kNearlyAlways = 0.9;

double PerSecond(int64_t count, Duration time) {
  return static_cast<double>(count) * 1e6 / static_cast<double>(time.us);
}

int64_t CountOf(const std::map<std::string, int64_t>& totals, const std::string& name) {
  const auto it = totals.find(name);
  return it == totals.end() ? 0 : it->second;
}

}  // namespace

std::map<std::string, JobRates::Task> JobRates::OfFragments() const {
  std::map<std::string, Task> means;
  std::map<std::string, int> counts;
  for (const auto& [task, shares] : tasks) {
    means[task.fragment].busy += shares.busy;
    means[task.fragment].waiting += shares.waiting;
    counts[task.fragment]++;
  }
  for (auto& [fragment, mean] : means) {
    mean.busy /= counts[fragment];
    mean.waiting /= counts[fragment];
  }
  return means;
}

const JobRates& RateMeter::Look(const JobProgress& progress, Duration now) {
  LookAtTasks(progress, now);
  LookAtCheckpoint(progress, {now.us - progress.checkpoint_age.us});
  return rates_;
}

void RateMeter::LookAtTasks(const JobProgress& progress, Duration now) {
  if (tasks_ && now.us - tasks_->at.us < kShortestLook.us) return;
  const std::optional<Tasks> before = std::move(tasks_);
  tasks_ = Tasks{now, progress.rows_read, {}};
  for (const TaskProgress& task : progress.tasks) {
    tasks_->busy_and_waiting_us[task.task] = {task.busy_us, task.blocked_us};
  }
  rates_.rows_in.reset();
  rates_.tasks.clear();
  if (!before || progress.rows_read < before->rows_read) return;
  const Duration time{now.us - before->at.us};
  rates_.rows_in = PerSecond(progress.rows_read - before->rows_read, time);
  const auto share_of = [&](int64_t us) { return std::min(PerSecond(us, time) / 1e6, 1.0); };
  for (const auto& [task, us] : tasks_->busy_and_waiting_us) {
    const auto was = before->busy_and_waiting_us.find(task);
    if (was == before->busy_and_waiting_us.end() || us.first < was->second.first ||
        us.second < was->second.second) {
      continue;
    }
    rates_.tasks[task] = {share_of(us.first - was->second.first),
                          share_of(us.second - was->second.second)};
  }
}

void RateMeter::LookAtCheckpoint(const JobProgress& progress, Duration committed_at) {
  if (checkpoint_ &&
      (checkpoint_->number == progress.checkpoint ||
       committed_at.us - checkpoint_->committed_at.us < kShortestBetweenCheckpoints.us)) {
    return;
  }
  const std::optional<Checkpoint> before = std::move(checkpoint_);
  checkpoint_ = Checkpoint{progress.checkpoint, committed_at, progress.totals};
  rates_.rows_out.reset();
  rates_.nodes.clear();
  if (!before) return;
  const Duration time{committed_at.us - before->committed_at.us};
  const auto rate_of = [&](const std::string& name) {
    return PerSecond(CountOf(progress.totals, name) - CountOf(before->totals, name), time);
  };
  for (const NodePlan& node : plan_.nodes) {
    const bool sink = node.role == NodePlan::Role::kSink;
    rates_.nodes[node.name] = {rate_of(node.name + ".in"),
                               rate_of(node.name + (sink ? ".passed" : ".out"))};
  }
  rates_.rows_out = PerSecond(
      SumsOf(plan_, progress.totals).rows_out - SumsOf(plan_, before->totals).rows_out, time);
}

std::set<std::string> SlowestFragments(const JobPlan& plan, const JobRates& rates) {
  std::set<std::string> busy;
  for (const auto& [task, shares] : rates.tasks) {
    if (shares.busy >= kNearlyAlways) busy.insert(task.fragment);
  }
  const auto fragment_of = [&](int node) {
    return plan.fragments[static_cast<size_t>(plan.nodes[static_cast<size_t>(node)].fragment)].name;
  };
  std::set<std::string> slowest = busy;
  for (const ExchangePlan& exchange : plan.exchanges) {
    if (busy.contains(fragment_of(exchange.to))) slowest.erase(fragment_of(exchange.from));
  }
  return slowest;
}

std::string WatermarkHolder(const JobPlan& plan, const JobProgress& progress) {
  const TaskProgress* holder = nullptr;
  for (const TaskProgress& task : progress.tasks) {
    if (task.is_source && task.watermark != EventTime::Max() &&
        (!holder || task.watermark < holder->watermark)) {
      holder = &task;
    }
  }
  if (!holder) return {};
  for (const NodePlan& node : plan.nodes) {
    if (node.role == NodePlan::Role::kSource &&
        plan.fragments[static_cast<size_t>(node.fragment)].name == holder->task.fragment) {
      return node.name;
    }
  }
  return {};
}

}  // namespace weir
