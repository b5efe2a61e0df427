#pragma once

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/status.h"
#include "base/time.h"
#include "config/process_spec.h"

namespace weir {

/// A running program that is spoken to by its standard input and output. What it writes to its
/// standard error goes to the log, line by line. Its threads' lines are about the job of who starts
/// it. Not thread safe.
class ChildProcess {
 public:
  /// `name` is for the log. kProgramBroken where it cannot be started.
  static Result<std::unique_ptr<ChildProcess>> Start(std::string name, const ProgramSpec& program);
  /// Closes its input, and kills it and what it has started if it does not end within a second.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Gives it `question` and takes what it says up to its first empty line, that line left out;
  /// each line ends with a newline. kProgramFailed where it ends before, is not through after
  /// `timeout`, or says more than 64 MiB: then it must not be asked again. kProgramBroken once
  /// `cancelled` says that nobody waits any more.
  Result<std::string> Ask(std::string_view question, Duration timeout,
                          const std::function<bool()>& cancelled);

 private:
  ChildProcess(std::string name, pid_t pid, int input, int output, int errors);
  void ReadErrors(int descriptor);
  /// Takes its end, if there is one within a second.
  void AwaitEnd();
  void Give(std::string_view& question) const;
  /// False once there is no more to hear.
  bool Hear();
  /// Why it is of no use any more: how it ended, if it has, and its last words.
  Status Failed(std::string what);

  const std::string name_;
  const pid_t pid_;
  int input_;   ///< What it reads; does not block.
  int output_;  ///< What it writes; does not block.
  bool reaped_ = false;
  int status_ = 0;
  std::string heard_;  ///< Read and not taken yet.
  std::atomic<bool> ending_{false};
  std::mutex mutex_;
  std::condition_variable heard_all_;
  bool errors_ended_ = false;
  std::string last_words_;  ///< The last line of its standard error.
  std::thread errors_;
};

}  // namespace weir
