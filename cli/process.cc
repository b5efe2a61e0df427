#include "cli/process.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/time.h"
#include "cli/command.h"
#include "engine/planner.h"

namespace weir {
namespace {

std::atomic<bool> stop_asked{false};

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void ProcessArguments::AddTo(CLI::App& app, const std::vector<std::string>& keys) {
  app.add_option("--config", config_, "The process's own file.")->type_name("FILE");
  for (const FieldInfo& field : ProcessSpec::Describe().fields()) {
    if (std::find(keys.begin(), keys.end(), field.name) == keys.end()) continue;
    std::string flag = "--" + field.name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    auto value = std::make_shared<std::string>();
    std::string help = field.help;
    if (!field.fallback.empty()) help += " Default: " + field.fallback + ".";
    app.add_option(flag, *value, help)->type_name(field.type);
    flags_.emplace_back(field.name, std::move(value));
  }
}

Result<ProcessSpec> ProcessArguments::Read() const {
  ProcessSettings settings = SettingsOfEnvironment();
  for (const auto& [key, value] : flags_) {
    if (!value->empty()) settings.push_back(key + "=" + *value);
  }
  Diagnostics diagnostics;
  ProcessSpec process =
      ReadProcessFile(config_, settings, Variables{}, JobVocabulary(), diagnostics);
  if (diagnostics.has_errors()) return diagnostics.ToStatus();
  if (!diagnostics.items().empty()) fmt::print(stderr, "{}", diagnostics.Render());
  return process;
}

StopSignal::StopSignal() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void StopSignal::Wait() {
  const sigset_t signals = StopSignals();
  int signal = 0;
  sigwait(&signals, &signal);
  stop_asked = true;
  std::thread([signals] {
    int again = 0;
    sigwait(&signals, &again);
    _exit(kExitKilled);
  }).detach();
}

bool StopSignal::asked() const { return stop_asked; }

Result<JobPlan> PlanText(const ProcessSpec& process, const std::string& text,
                         uint32_t parallelism) {
  Diagnostics diagnostics;
  // Variables were filled in where the job was submitted.
  Variables none;
  none.environment = false;
  JobSpec job = ReadJob(ReadYaml("job", text, none, diagnostics), JobVocabulary(), diagnostics);
  if (parallelism > 0) job.parallelism = parallelism;
  AddConnections(process, job);
  PlanContext context;
  context.now = SystemClock().Now();
  std::optional<JobPlan> plan = PlanJob(job, context, diagnostics);
  if (diagnostics.has_errors() || !plan) return diagnostics.ToStatus();
  // As it was given, where planning has learned nothing that belongs to it.
  if (plan->text == job.text) plan->text = text;
  return std::move(*plan);
}

}  // namespace weir
