#pragma once

#include <span>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace weir {

/// What may stand in a place of a command line.
struct Suggestions {
  struct Word {
    std::string text;
    std::string help;
  };
  enum class Others { kNone, kFiles, kDirectories, kJobs, kWorkers };

  std::vector<Word> words;
  Others others = Others::kNone;  ///< What the caller must look up.
};

/// What may stand for the last of `words`, which come after the program's name; those that begin as
/// it does, where it has begun. Made of the commands as they are declared: the type name of a value
/// says what it is (FILE, DIR, JOB, WORKER, JOB.yaml), choices are those that are checked.
Suggestions Suggest(const CLI::App& program, std::span<const std::string> words);

}  // namespace weir
