#include "cli/suggest.h"

#include <CLI/CLI.hpp>

#include "tests/catch.h"

using namespace weir;

namespace {

using Others = Suggestions::Others;

/// A program with what the commands of weir are made of.
class Program {
 public:
  Program() {
    app_.fallthrough();
    app_.add_option("--log", text_, "Level.")->check(CLI::IsMember({"info", "warn"}));
    CLI::App* run = app_.add_subcommand("run", "Runs a job.");
    run->add_option("job", text_, "The job.")->required()->type_name("JOB.yaml");
    run->add_option("--state-dir", text_, "Where.")->type_name("DIR");
    run->add_option("--memory", text_, "How much.");
    run->add_flag("--fresh", flag_, "Anew.");
    CLI::App* stop = app_.add_subcommand("stop", "Stops a job.");
    stop->add_option("job", text_, "The job.")->type_name("JOB");
    stop->add_option("worker", text_, "The worker.")->type_name("WORKER");
    CLI::App* checkpoint = app_.add_subcommand("checkpoint", "Looks at checkpoints.");
    checkpoint->add_subcommand("list", "Lists them.");
    checkpoint->add_subcommand("verify", "Reads them.");
  }

  /// The words that are suggested, and what else.
  std::string At(std::vector<std::string> words) {
    const Suggestions found = Suggest(app_, words);
    std::string text;
    for (const Suggestions::Word& word : found.words) text += word.text + " ";
    if (found.others == Others::kFiles) text += "FILES ";
    if (found.others == Others::kDirectories) text += "DIRECTORIES ";
    if (found.others == Others::kJobs) text += "JOBS ";
    if (found.others == Others::kWorkers) text += "WORKERS ";
    if (!text.empty()) text.pop_back();
    return text;
  }

 private:
  CLI::App app_{"A program."};
  std::string text_;
  bool flag_ = false;
};

}  // namespace

TEST_CASE("commands are suggested first, those that begin so") {
  Program program;
  CHECK(program.At({""}) == "run stop checkpoint");
  CHECK(program.At({"s"}) == "stop");
  CHECK(program.At({"x"}).empty());
  CHECK(program.At({"checkpoint", ""}) == "list verify");
  CHECK(program.At({"checkpoint", "v"}) == "verify");
}

TEST_CASE("flags are those of the command and of all above it") {
  Program program;
  CHECK(program.At({"run", "--"}) == "--help --state-dir --memory --fresh --log");
  CHECK(program.At({"run", "job.yaml", "--f"}) == "--fresh");
  CHECK(program.At({"--l"}) == "--log");
  CHECK(program.At({"checkpoint", "list", "--l"}) == "--log");
}

TEST_CASE("a value is suggested by its kind") {
  Program program;
  CHECK(program.At({"run", ""}) == "FILES");
  CHECK(program.At({"run", "--state-dir", ""}) == "DIRECTORIES");
  CHECK(program.At({"run", "--memory", ""}).empty());
  CHECK(program.At({"run", "--log", "w"}) == "warn");
  CHECK(program.At({"--log", ""}) == "info warn");
  CHECK(program.At({"--log", "info", "st"}) == "stop");
  CHECK(program.At({"stop", ""}) == "JOBS");
  CHECK(program.At({"stop", "--log", "info", ""}) == "JOBS");
  CHECK(program.At({"stop", "orders", ""}) == "WORKERS");
  CHECK(program.At({"stop", "orders", "w1", ""}).empty());
  // A flag without a value leaves the next word to others.
  CHECK(program.At({"run", "--fresh", ""}) == "FILES");
}

TEST_CASE("a value behind an equals sign, in one word and as bash takes it apart") {
  Program program;
  CHECK(program.At({"run", "--log=w"}) == "--log=warn");
  CHECK(program.At({"run", "--log", "="}) == "info warn");
  CHECK(program.At({"run", "--log", "=", "i"}) == "info");
}

TEST_CASE("what is no command line suggests nothing") {
  Program program;
  CHECK(program.At({}).empty());
  CHECK(program.At({"nonsense", ""}).empty());
  CHECK(program.At({"run", "--nonsense=x"}).empty());
}
