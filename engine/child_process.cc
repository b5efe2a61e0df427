#include "engine/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "base/log.h"
#include "operators/errors.h"

namespace weir {
namespace {

constexpr size_t kMostAnswerBytes = size_t{64} << 20;
constexpr size_t kMostLogLine = 4096;
constexpr int kSliceMillis = 100;  ///< How often it is looked whether the task is to end.
constexpr std::array kPassedOn = {"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"};

/// A pipe whose ends close with what runs this process next.
struct Pipe {
  int read = -1;
  int write = -1;
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    if (read >= 0) close(read);
    if (write >= 0) close(write);
  }
  bool Open() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read = ends[0];
    write = ends[1];
    return true;
  }
};

std::vector<std::string> EnvironmentOf(const ProgramSpec& program) {
  std::vector<std::string> lines;
  for (const char* name : kPassedOn) {
    const char* value = std::getenv(name);
    if (value != nullptr && !program.environment.contains(name)) {
      lines.push_back(fmt::format("{}={}", name, value));
    }
  }
  for (const auto& [name, value] : program.environment) {
    lines.push_back(fmt::format("{}={}", name, value));
  }
  return lines;
}

std::vector<char*> PointersTo(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Starts it with these ends as its standard streams, in a group of its own. 0, or errno.
int Spawn(const ProgramSpec& program, const Pipe& input, const Pipe& output, const Pipe& errors,
          pid_t& pid) {
  std::vector<std::string> words = program.command;
  std::vector<std::string> environment = EnvironmentOf(program);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.read, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output.write, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.write, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int error = posix_spawnp(&pid, words.front().c_str(), &actions, &attributes,
                                 PointersTo(words).data(), PointersTo(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

std::string DescribeEnd(int status) {
  if (WIFSIGNALED(status)) return fmt::format("it was ended by signal {}", WTERMSIG(status));
  return fmt::format("it has ended with {}", WEXITSTATUS(status));
}

/// Where the first empty line of `text` begins, and where what follows it does.
std::optional<std::pair<size_t, size_t>> FindEmptyLine(std::string_view text, size_t from) {
  for (size_t begin = from; begin < text.size();) {
    const size_t newline = text.find('\n', begin);
    if (newline == std::string_view::npos) return std::nullopt;
    if (newline == begin || (newline == begin + 1 && text[begin] == '\r')) {
      return std::pair(begin, newline + 1);
    }
    begin = newline + 1;
  }
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::Start(std::string name,
                                                          const ProgramSpec& program) {
  Pipe input;
  Pipe output;
  Pipe errors;
  pid_t pid = 0;
  const int error = input.Open() && output.Open() && errors.Open()
                        ? Spawn(program, input, output, errors, pid)
                        : errno;
  if (error != 0) {
    return Status(errors::kProgramBroken,
                  fmt::format("program '{}' ({}) cannot be started: {}", name,
                              program.command.front(), std::strerror(error)),
                  "see its command under 'programs' of the process's file");
  }
  // Only weir's own ends: a file description is shared by all who have it.
  fcntl(input.write, F_SETFL, O_NONBLOCK);
  fcntl(output.read, F_SETFL, O_NONBLOCK);
  return std::unique_ptr<ChildProcess>(
      new ChildProcess(std::move(name), pid, std::exchange(input.write, -1),
                       std::exchange(output.read, -1), std::exchange(errors.read, -1)));
}

ChildProcess::ChildProcess(std::string name, pid_t pid, int input, int output, int errors)
    : name_(std::move(name)), pid_(pid), input_(input), output_(output) {
  errors_ = log::StartThread([this, errors] { ReadErrors(errors); });
}

ChildProcess::~ChildProcess() {
  close(input_);
  close(output_);
  AwaitEnd();
  // Also what it has started and left behind.
  kill(-pid_, SIGKILL);
  if (!reaped_) waitpid(pid_, &status_, 0);
  ending_ = true;
  errors_.join();
}

void ChildProcess::AwaitEnd() {
  constexpr int kMostMillis = 1000;
  constexpr int kStepMillis = 5;
  for (int waited = 0; !reaped_ && waited < kMostMillis; waited += kStepMillis) {
    reaped_ = waitpid(pid_, &status_, WNOHANG) == pid_;
    if (!reaped_) std::this_thread::sleep_for(std::chrono::milliseconds(kStepMillis));
  }
}

void ChildProcess::ReadErrors(int descriptor) {
  std::string line;
  const auto tell = [&] {
    if (line.empty()) return;
    log::Info("a program says", {{"program", name_}, {"line", line}});
    std::lock_guard lock(mutex_);
    last_words_ = std::exchange(line, {});
  };
  std::array<char, 4096> bytes{};
  while (true) {
    pollfd end{descriptor, POLLIN, 0};
    if (poll(&end, 1, kSliceMillis) <= 0) {
      if (ending_) break;  // Something else keeps it open.
      continue;
    }
    const ssize_t got = read(descriptor, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (const char c : std::string_view(bytes.data(), static_cast<size_t>(got))) {
      if (c == '\n') {
        tell();
      } else if (line.size() < kMostLogLine) {
        line += c;
      }
    }
  }
  tell();
  close(descriptor);
  std::lock_guard lock(mutex_);
  errors_ended_ = true;
  heard_all_.notify_all();
}

Status ChildProcess::Failed(std::string what) {
  kill(-pid_, SIGKILL);
  AwaitEnd();
  std::unique_lock lock(mutex_);
  heard_all_.wait_for(lock, std::chrono::seconds(1), [this] { return errors_ended_; });
  if (!last_words_.empty()) what += fmt::format("; its last words: {}", last_words_);
  return Status(errors::kProgramFailed, fmt::format("program '{}': {}", name_, what),
                "its own lines are in the job's log; see what it does with these rows");
}

Result<std::string> ChildProcess::Ask(std::string_view question, Duration timeout,
                                      const std::function<bool()>& cancelled) {
  const Duration until{SystemClock().Monotonic().us + timeout.us};
  std::optional<std::pair<size_t, size_t>> end;
  size_t looked = 0;  // No empty line begins before it.
  while (true) {
    if (!end) end = FindEmptyLine(heard_, looked);
    if (end && question.empty()) {
      std::string answer = heard_.substr(0, end->first);
      heard_.erase(0, end->second);
      return answer;
    }
    looked = heard_.rfind('\n') + 1;  // 0 where there is none.
    if (heard_.size() > kMostAnswerBytes) return Failed("its answer is longer than 64 MiB");
    if (cancelled()) return Status(errors::kProgramBroken, "the task is being ended");
    if (SystemClock().Monotonic() >= until) {
      return Failed(fmt::format("no answer within {} ms", timeout.us / 1000));
    }
    std::array<pollfd, 2> ends{{{output_, POLLIN, 0}, {input_, POLLOUT, 0}}};
    if (poll(ends.data(), question.empty() ? 1 : 2, kSliceMillis) <= 0) continue;
    if (!question.empty() && ends[1].revents != 0) Give(question);
    if (ends[0].revents != 0 && !Hear()) {
      AwaitEnd();
      return Failed(reaped_ ? DescribeEnd(status_) : "it has closed its output");
    }
  }
}

void ChildProcess::Give(std::string_view& question) const {
  const ssize_t given = write(input_, question.data(), question.size());
  if (given > 0) question.remove_prefix(static_cast<size_t>(given));
  // It has closed its input, and may still say why.
  if (given < 0 && errno == EPIPE) question = {};
}

bool ChildProcess::Hear() {
  std::array<char, 65536> bytes{};
  const ssize_t got = read(output_, bytes.data(), bytes.size());
  if (got > 0) heard_.append(bytes.data(), static_cast<size_t>(got));
  return got != 0;
}

}  // namespace weir
