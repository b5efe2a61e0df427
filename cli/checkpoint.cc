#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/checkpoint_home.h"
#include "cli/errors.h"
#include "daemon/worker/checkpoint_json.h"
#include "state/checkpoint_list.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

struct CheckpointArguments {
  HomeArguments home;
  uint64_t number = 0;
  std::string savepoint;
  bool quick = false;
};

std::string Amount(uint64_t bytes) {
  if (bytes < 10 << 10) return fmt::format("{} B", bytes);
  if (bytes < uint64_t{10} << 20) return fmt::format("{} KiB", bytes >> 10);
  return fmt::format("{} MiB", bytes >> 20);
}

std::string Counted(uint64_t n, const char* one) {
  return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s");
}

uint64_t NumberIn(const Json& json, const char* name) { return json.value(name, uint64_t{0}); }

void PrintList(const Json& answer) {
  fmt::print("{:>10}  {:<24}  {:>7}  {:>5}  {:>12}  {:>11}  {}\n", "checkpoint", "written",
             "attempt", "files", "bytes", "unpublished", "");
  for (const Json& one : answer["checkpoints"]) {
    if (const auto error = one.find("error"); error != one.end()) {
      fmt::print("{:>10}  {}: {}\n", NumberIn(one, "number"), error->value("code", ""),
                 error->value("message", ""));
      continue;
    }
    fmt::print("{:>10}  {:<24}  {:>7}  {:>5}  {:>12}  {:>11}  {}\n", NumberIn(one, "number"),
               one.value("written", ""), NumberIn(one, "attempt"), NumberIn(one, "files"),
               NumberIn(one, "bytes"), one.value("unpublished_rows", int64_t{0}),
               one.value("ended", false)      ? "the job's end"
               : one.contains("savepoint_at") ? "savepoint"
                                              : "");
  }
}

SavepointOpener OpenerOf(const CheckpointArguments& arguments) {
  return [&arguments](const std::string& place) {
    return OpenSavepointOf(arguments.home.store, place);
  };
}

/// The number of a savepoint that is not named by its folder; 0: it is.
uint64_t NumberOf(const std::string& savepoint) {
  const bool number = savepoint.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::strtoull(savepoint.c_str(), nullptr, 10) : 0;
}

Result<Json> AskList(const CheckpointArguments& arguments, const CheckpointHome& home) {
  if (home.is_cluster()) return home.Get("/checkpoints");
  const auto store = WEIR_TRY(OpenStoreOf(arguments.home.store, StoreUse::kLook));
  return CheckpointsJson(arguments.home.store.job,
                         WEIR_TRY(ListCheckpoints(*store, OpenerOf(arguments))));
}

Result<int> List(const CheckpointArguments& arguments, const CLI::App& app) {
  const CheckpointHome home = WEIR_TRY(CheckpointHome::Of(app, arguments.home));
  const Json answer = WEIR_TRY(AskList(arguments, home));
  if (arguments.home.client.json()) {
    fmt::print("{}\n", answer.dump(2));
  } else {
    PrintList(answer);
  }
  for (const Json& one : answer["checkpoints"]) {
    if (one.contains("error")) return kExitFailed;
  }
  return kExitDone;
}

/// `3 checkpoints and 1 savepoint`
std::string WhatWasVerified(const Json& checkpoints) {
  const auto savepoints = static_cast<uint64_t>(
      std::count_if(checkpoints.begin(), checkpoints.end(),
                    [](const Json& one) { return one.contains("savepoint_at"); }));
  const std::string others = Counted(checkpoints.size() - savepoints, "checkpoint");
  if (savepoints == 0) return others;
  const std::string counted = Counted(savepoints, "savepoint");
  return savepoints == checkpoints.size() ? counted : others + " and " + counted;
}

void PrintVerified(const Json& answer) {
  for (const Json& one : answer["checkpoints"]) {
    if (const auto place = one.find("savepoint_at"); place != one.end()) {
      fmt::print("savepoint {}", place->get<std::string>());
    } else {
      fmt::print("checkpoint {}", NumberIn(one, "number"));
    }
    if (one.contains("tasks")) {
      fmt::print(
          " of job {}, attempt {}: {}, {}, {}{}", answer.value("job", ""), NumberIn(one, "attempt"),
          Counted(NumberIn(one, "tasks"), "task"), Counted(NumberIn(one, "files"), "file"),
          Amount(NumberIn(one, "bytes")),
          one.value("savepoint", false) && !one.contains("savepoint_at") ? ", a savepoint's" : "");
    }
    fmt::print("\n");
    for (const Json& fault : one["faults"]) {
      fmt::print("  damaged: {}\n", fault.get<std::string>());
    }
  }
  fmt::print("{}: {}, {}, {}, {}\n", answer.value("ok", false) ? "all right" : "NOT all right",
             WhatWasVerified(answer["checkpoints"]), Counted(NumberIn(answer, "files"), "file"),
             Amount(NumberIn(answer, "bytes")),
             answer.value("every_byte", false) ? "every byte read" : "sizes looked at");
}

Result<Json> AskToVerify(const CheckpointArguments& arguments, const CheckpointHome& home) {
  const uint64_t savepoint = NumberOf(arguments.savepoint);
  if (home.is_cluster()) {
    Json body = Json::object();
    if (arguments.number > 0) body["checkpoint"] = arguments.number;
    if (savepoint > 0) body["savepoint"] = savepoint;
    if (arguments.quick) body["quick"] = true;
    if (!arguments.savepoint.empty() && savepoint == 0) {
      return Status(errors::kBadFlag, "a manager looks up savepoints by their number only",
                    "give the number; a folder is for a machine that sees it: give --state-dir or "
                    "--config as well");
    }
    return home.Post("/checkpoints/verify", body);
  }
  const auto store = WEIR_TRY(OpenStoreOf(arguments.home.store, StoreUse::kLook));
  const VerifyWanted wanted{
      arguments.number, savepoint > 0 ? store->SavepointLocation(savepoint) : arguments.savepoint,
      !arguments.quick};
  return VerifyJson(arguments.home.store.job,
                    WEIR_TRY(VerifyKept(*store, wanted, OpenerOf(arguments))));
}

Result<int> Verify(const CheckpointArguments& arguments, const CLI::App& app) {
  const CheckpointHome home = WEIR_TRY(CheckpointHome::Of(app, arguments.home));
  const Json answer = WEIR_TRY(AskToVerify(arguments, home));
  if (arguments.home.client.json()) {
    fmt::print("{}\n", answer.dump(2));
  } else {
    PrintVerified(answer);
  }
  if (answer.value("ok", false)) return kExitDone;
  return Status(errors::kDamaged, "a checkpoint is damaged; see what is printed of it",
                home.is_cluster()
                    ? "the newest one without a fault can be used with 'weir restart --rewind'"
                    : "the newest one without a fault can be used with 'weir run --rewind'");
}

Status Remove(const CheckpointArguments& arguments, const CLI::App& app) {
  const CheckpointHome home = WEIR_TRY(CheckpointHome::Of(app, arguments.home));
  if (home.is_cluster()) {
    (void)WEIR_TRY(home.Post("/checkpoints/remove", {{"savepoint", arguments.number}}));
  } else {
    const auto store = WEIR_TRY(OpenStoreOf(arguments.home.store, StoreUse::kLook));
    WEIR_TRY(store->RemoveSavepoint(arguments.number));
  }
  if (arguments.home.client.json()) {
    fmt::print("{}\n",
               Json{{"job", arguments.home.store.job}, {"removed", arguments.number}}.dump(2));
  } else {
    fmt::print("savepoint {} of job {} is removed\n", arguments.number, arguments.home.store.job);
  }
  return Status::Ok();
}

}  // namespace

std::function<int()> AddCheckpoint(CLI::App& app) {
  auto arguments = std::make_shared<CheckpointArguments>();
  app.require_subcommand(1);
  CLI::App* list = app.add_subcommand("list", "The checkpoints that are kept, and savepoints.");
  CLI::App* verify = app.add_subcommand("verify", "Check every file of the checkpoints.");
  CLI::App* remove = app.add_subcommand("remove", "Remove a savepoint.");
  for (CLI::App* sub : {list, verify, remove}) AddHomeArguments(*sub, arguments->home);
  verify->add_option("--checkpoint", arguments->number, "Only this one.");
  verify
      ->add_option("--savepoint", arguments->savepoint,
                   "Only this savepoint: its number, or the folder that it is in.")
      ->type_name("SAVEPOINT");
  remove->add_option("savepoint", arguments->number, "Its number.")->required();
  verify->add_flag("--quick", arguments->quick, "Sizes only, no checksums of files.");
  return [arguments, list, verify, remove] {
    if (remove->parsed()) return Report(Remove(*arguments, *remove));
    const Result<int> code = list->parsed() ? List(*arguments, *list) : Verify(*arguments, *verify);
    return code.ok() ? *code : Report(code.status());
  };
}

}  // namespace weir
