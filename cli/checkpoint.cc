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
               one.value("ended", false)       ? "the job's end"
               : one.value("savepoint", false) ? "savepoint"
                                               : "");
  }
}

Result<Json> AskList(const CheckpointArguments& arguments, const CheckpointHome& home) {
  if (home.is_cluster()) return home.Get("/checkpoints");
  const auto store = WEIR_TRY(OpenStoreOf(arguments.home.store, StoreUse::kLook));
  return CheckpointsJson(arguments.home.store.job, WEIR_TRY(ListCheckpoints(*store)));
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

void PrintVerified(const Json& answer) {
  for (const Json& one : answer["checkpoints"]) {
    fmt::print("checkpoint {}", NumberIn(one, "number"));
    if (one.contains("tasks")) {
      fmt::print(" of job {}, attempt {}: {}, {}, {}{}", answer.value("job", ""),
                 NumberIn(one, "attempt"), Counted(NumberIn(one, "tasks"), "task"),
                 Counted(NumberIn(one, "files"), "file"), Amount(NumberIn(one, "bytes")),
                 one.value("savepoint", false) ? ", savepoint" : "");
    }
    fmt::print("\n");
    for (const Json& fault : one["faults"]) {
      fmt::print("  damaged: {}\n", fault.get<std::string>());
    }
  }
  fmt::print("{}: {}, {}, {}, {}\n", answer.value("ok", false) ? "all right" : "NOT all right",
             Counted(answer["checkpoints"].size(), "checkpoint"),
             Counted(NumberIn(answer, "files"), "file"), Amount(NumberIn(answer, "bytes")),
             answer.value("every_byte", false) ? "every byte read" : "sizes looked at");
}

Result<Json> AskToVerify(const CheckpointArguments& arguments, const CheckpointHome& home) {
  if (home.is_cluster()) {
    Json body = Json::object();
    if (arguments.number > 0) body["checkpoint"] = arguments.number;
    if (arguments.quick) body["quick"] = true;
    return home.Post("/checkpoints/verify", body);
  }
  const auto store = WEIR_TRY(OpenStoreOf(arguments.home.store, StoreUse::kLook));
  return VerifyJson(
      arguments.home.store.job,
      WEIR_TRY(VerifyCheckpoints(
          *store, arguments.number > 0 ? std::optional(arguments.number) : std::nullopt,
          !arguments.quick)));
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

}  // namespace

std::function<int()> AddCheckpoint(CLI::App& app) {
  auto arguments = std::make_shared<CheckpointArguments>();
  app.require_subcommand(1);
  CLI::App* list = app.add_subcommand("list", "The checkpoints that are kept.");
  CLI::App* verify = app.add_subcommand("verify", "Check every file of the checkpoints.");
  for (CLI::App* sub : {list, verify}) AddHomeArguments(*sub, arguments->home);
  verify->add_option("--checkpoint", arguments->number, "Only this one.");
  verify->add_flag("--quick", arguments->quick, "Sizes only, no checksums of files.");
  return [arguments, list, verify] {
    const Result<int> code = list->parsed() ? List(*arguments, *list) : Verify(*arguments, *verify);
    return code.ok() ? *code : Report(code.status());
  };
}

}  // namespace weir
