#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/time.h"
#include "cli/checkpoint_home.h"
#include "daemon/worker/checkpoint_json.h"
#include "engine/waiting_results.h"
#include "state/job_store.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

struct TxnArguments {
  HomeArguments home;
  std::string sink;
  bool drop = false;
  bool dead_letter = false;
};

Result<Json> AskList(const TxnArguments& arguments, const CheckpointHome& home) {
  if (home.is_cluster()) return home.Get("/txn");
  const auto store = WEIR_TRY(OpenStoreOf(arguments.home.store, StoreUse::kLook));
  return WaitingJson(arguments.home.store.job, WEIR_TRY(ListWaiting(*store)));
}

Status List(const TxnArguments& arguments, const CLI::App& app) {
  const Json answer =
      WEIR_TRY(AskList(arguments, WEIR_TRY(CheckpointHome::Of(app, arguments.home))));
  if (arguments.home.client.json()) {
    fmt::print("{}\n", answer.dump(2));
    return Status::Ok();
  }
  fmt::print(
      "checkpoint {} of job {}: results it holds that were not published when it was written\n",
      answer["checkpoint"].dump(), answer.value("job", ""));
  for (const Json& one : answer["waiting"]) {
    fmt::print("  sink {:<24} lane {}  checkpoint {:>6}  {:>9} rows\n", one.value("sink", ""),
               one["lane"].dump(), one["checkpoint"].dump(), one["rows"].dump());
  }
  fmt::print("{}\n", answer["waiting"].empty()
                         ? "  none"
                         : "the job's next start asks the broker which of them it has, and "
                           "publishes the rest");
  return Status::Ok();
}

/// The job's own facts give the number, and their lock keeps the job from running.
Result<Json> ResolveHere(const TxnArguments& arguments) {
  const StoreArguments& at = arguments.home.store;
  const std::unique_ptr<JobStore> job =
      WEIR_TRY(JobStore::Open(at.state_dir + "/" + at.job, at.job));
  const auto store = WEIR_TRY(OpenStoreOf(at, StoreUse::kRun));
  const Resolution resolution{arguments.sink, arguments.drop};
  const Resolved resolved =
      WEIR_TRY(ResolveWaiting(*store, resolution, SystemClock().Now(),
                              [&](const proto::Manifest& newest) -> Result<AttemptId> {
                                // A state directory that has not seen the job yet goes on as the
                                // checkpoints say.
                                if (job->facts().attempt == 0)
                                  WEIR_TRY(job->AdoptInstance(newest.instance()));
                                WEIR_TRY(job->RaiseAttempt(newest.attempt()));
                                return AttemptId{newest.term(), WEIR_TRY(job->BeginAttempt())};
                              }));
  return ResolvedJson(at.job, resolution, resolved);
}

Status Resolve(const TxnArguments& arguments, const CLI::App& app) {
  const CheckpointHome home = WEIR_TRY(CheckpointHome::Of(app, arguments.home));
  const Json answer =
      WEIR_TRY(home.is_cluster() ? home.Post("/txn/resolve",
                                             {{"sink", arguments.sink},
                                              {"choice", arguments.drop ? "drop" : "dead_letter"}})
                                 : ResolveHere(arguments));
  if (arguments.home.client.json()) {
    fmt::print("{}\n", answer.dump(2));
  } else if (arguments.drop) {
    fmt::print("dropped {} rows of sink {}; checkpoint {} says so\n", answer["rows"].dump(),
               arguments.sink, answer["checkpoint"].dump());
  } else {
    fmt::print(
        "checkpoint {} says so: {} publishes the {} rows that wait for sink {}, and those that "
        "are refused go to its dead letter\n",
        answer["checkpoint"].dump(), home.is_cluster() ? "'weir restart'" : "the next 'weir run'",
        answer["rows"].dump(), arguments.sink);
  }
  return Status::Ok();
}

}  // namespace

std::function<int()> AddTxn(CLI::App& app) {
  auto arguments = std::make_shared<TxnArguments>();
  app.require_subcommand(1);
  CLI::App* list = app.add_subcommand("list", "Sealed results that wait to be published.");
  CLI::App* resolve = app.add_subcommand("resolve", "Decide what becomes of them.");
  for (CLI::App* sub : {list, resolve}) AddHomeArguments(*sub, arguments->home);
  resolve->add_option("--sink", arguments->sink, "The sink they are of.")->required();
  CLI::Option_group* choice = resolve->add_option_group("choice");
  choice->add_flag("--drop", arguments->drop, "Never publish them.");
  choice->add_flag("--dead-letter", arguments->dead_letter,
                   "What the broker refuses of them goes to the sink's dead letter.");
  choice->require_option(1);
  return [arguments, list, resolve] {
    return Report(list->parsed() ? List(*arguments, *list) : Resolve(*arguments, *resolve));
  };
}

}  // namespace weir
