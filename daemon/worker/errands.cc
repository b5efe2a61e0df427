#include "daemon/worker/errands.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "daemon/rpc/wire.h"
#include "daemon/worker/checkpoint_json.h"
#include "daemon/worker/errors.h"
#include "engine/errors.h"
#include "engine/waiting_results.h"

namespace weir {
namespace {

using manager::Errand;
using Json = nlohmann::ordered_json;

/// As many as a manager has under way at a time, so that a short one never waits for long ones.
constexpr size_t kThreads = 4;
/// Only a worker that has lost one manager to another has more than those.
constexpr size_t kMostWaiting = 16;

Status Ends() {
  return Status(errors::kErrandNotTaken, "the worker that was asked is being stopped",
                "ask again: another one is asked then");
}

std::string Shown(const Json& json) {
  // Names that damaged files hold need not be UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Errands::Errands(const WorkerServices& services, std::function<void(proto::ErrandDone)> answer)
    : services_(services), answer_(std::move(answer)) {}

Errands::~Errands() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    for (CheckpointStore* store : stores_) store->Cancel();
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  for (const auto& order : waiting_) Answer(order, Ends());
}

void Errands::Take(manager::tell::RunErrand order) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() < kMostWaiting) {
      waiting_.push_back(std::move(order));
      if (threads_.empty()) {
        for (size_t i = 0; i < kThreads; i++) threads_.emplace_back([this] { Work(); });
      }
      wake_.notify_one();
      return;
    }
  }
  Answer(order, Status(errors::kErrandNotTaken,
                       fmt::format("worker {} has more to look up than it takes", services_.id),
                       "ask again in a while"));
}

void Errands::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (ending_) return;
    const manager::tell::RunErrand order = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    {
      const log::JobScope scope(order.job);
      Answer(order, Do(order));
    }
    lock.lock();
  }
}

void Errands::Answer(const manager::tell::RunErrand& order, Result<std::string> told) {
  proto::ErrandDone done;
  done.set_term(order.id.term);
  done.set_number(order.id.number);
  if (told.ok()) {
    done.set_told(std::move(told).value());
  } else {
    *done.mutable_error() = ToProto(told.status());
  }
  answer_(std::move(done));
}

Result<std::string> Errands::Do(const manager::tell::RunErrand& order) {
  const Duration until{services_.clock->Monotonic().us + order.limit.us};
  const auto store = WEIR_TRY(services_.open_store(
      order.job, order.errand.writes_checkpoint() ? StoreUse::kRun : StoreUse::kLook));
  {
    std::lock_guard lock(mutex_);
    if (ending_) return Ends();
    stores_.insert(store.get());
  }
  Result<std::string> told = DoAt(order, *store, [&]() -> Status {
    {
      std::lock_guard lock(mutex_);
      if (ending_) return Ends();
    }
    if (services_.clock->Monotonic() < until) return Status::Ok();
    return Status(errors::kErrandTooLong,
                  fmt::format("worker {} was not through after {} s", services_.id,
                              order.limit.us / 1'000'000),
                  "verify one with --checkpoint, or all with --quick, or with --config or "
                  "--state-dir on a machine that sees the store");
  });
  std::lock_guard lock(mutex_);
  stores_.erase(store.get());
  return told;
}

Result<std::string> Errands::DoAt(const manager::tell::RunErrand& order, CheckpointStore& store,
                                  const std::function<Status()>& go_on) {
  const SavepointOpener open = [&](const std::string& place) {
    return services_.open_savepoint(order.job, place);
  };
  switch (order.errand.kind) {
    case Errand::Kind::kListCheckpoints:
      return Shown(CheckpointsJson(order.job, WEIR_TRY(ListCheckpoints(store, open))));
    case Errand::Kind::kVerify: {
      VerifyWanted wanted{order.errand.checkpoint, {}, !order.errand.quick};
      if (order.errand.savepoint > 0) {
        wanted.savepoint = store.SavepointLocation(order.errand.savepoint);
      }
      return Shown(VerifyJson(order.job, WEIR_TRY(VerifyKept(store, wanted, open, go_on))));
    }
    case Errand::Kind::kRemoveSavepoint: {
      WEIR_TRY(store.RemoveSavepoint(order.errand.savepoint));
      log::Info("a savepoint was removed by a user", {{"savepoint", order.errand.savepoint}});
      return Shown({{"job", order.job}, {"removed", order.errand.savepoint}});
    }
    case Errand::Kind::kListWaiting:
      return Shown(WaitingJson(order.job, WEIR_TRY(ListWaiting(store))));
    case Errand::Kind::kResolve: {
      const Resolution resolution{order.errand.sink, order.errand.drop};
      return Shown(
          ResolvedJson(order.job, resolution, WEIR_TRY(Resolve(order, resolution, store))));
    }
  }
  WEIR_CHECK(false, "an errand that nobody knows how to do");
}

Result<Resolved> Errands::Resolve(const manager::tell::RunErrand& order,
                                  const Resolution& resolution, CheckpointStore& store) {
  // What an older attempt may still have here ends.
  services_.registry->Saw(order.job, order.attempt);
  const Resolved resolved = WEIR_TRY(ResolveWaiting(
      store, resolution, services_.clock->Now(),
      [&](const proto::Manifest& newest) -> Result<AttemptId> {
        if (newest.instance() == order.instance) return order.attempt;
        return Status(errors::kForeignCheckpoints,
                      fmt::format("the checkpoints in {} are of another instance of job '{}'",
                                  store.location(), order.job),
                      "'weir restart --fresh' begins anew");
      }));
  log::Info("waiting results were decided about by a user",
            {{"sink", resolution.sink},
             {"choice", resolution.drop ? "drop" : "dead letter"},
             {"rows", resolved.rows},
             {"checkpoint", resolved.checkpoint}});
  return resolved;
}

}  // namespace weir
