#include "base/failpoint.h"

#ifdef WEIR_FAILPOINTS
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace weir {
namespace {

struct Armed {
  std::string action;
  long from = 1;
  bool onwards = false;
  long passes = 0;
};

struct Table {
  std::mutex mutex;
  std::map<std::string, Armed, std::less<>> points;
};

Table& Points() {
  static Table* const table = [] {
    auto* made = new Table;  // Lives till the process ends: threads may pass points at exit.
    const char* text = std::getenv("WEIR_FAILPOINTS");
    std::string_view rest = text ? text : "";
    while (!rest.empty()) {
      std::string_view item = rest.substr(0, rest.find(','));
      rest.remove_prefix(item.size() + (item.size() < rest.size() ? 1 : 0));
      const size_t equals = item.find('=');
      if (equals == std::string_view::npos) continue;
      Armed armed;
      std::string_view action = item.substr(equals + 1);
      if (const size_t at = action.find('@'); at != std::string_view::npos) {
        std::string count(action.substr(at + 1));
        if (!count.empty() && count.back() == '+') armed.onwards = true;
        armed.from = std::atol(count.c_str());
        action = action.substr(0, at);
      }
      armed.action = action;
      made->points.emplace(item.substr(0, equals), armed);
    }
    return made;
  }();
  return *table;
}

void Record(std::string_view name) {
  const char* path = std::getenv("WEIR_FAILPOINT_LOG");
  if (!path) return;
  const int file = ::open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (file < 0) return;
  const std::string line = std::string(name) + "\n";
  [[maybe_unused]] const ssize_t written = ::write(file, line.data(), line.size());
  ::close(file);
}

}  // namespace

bool FailpointHit(std::string_view name) {
  Table& table = Points();
  std::string action;
  {
    std::lock_guard lock(table.mutex);
    auto it = table.points.find(name);
    if (it == table.points.end()) return false;
    Armed& armed = it->second;
    armed.passes++;
    if (armed.onwards ? armed.passes < armed.from : armed.passes != armed.from) return false;
    action = armed.action;
  }
  Record(name);
  if (action == "kill") ::kill(::getpid(), SIGKILL);
  if (action == "stop") ::raise(SIGSTOP);  // To this thread: it must not go on until others stop.
  if (action.starts_with("delay:")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::atol(action.c_str() + 6)));
  }
  return action == "error";
}

size_t PollRows(size_t most) {
  static const size_t rows = [] {
    const char* text = std::getenv("WEIR_POLL_ROWS");
    return text ? static_cast<size_t>(std::atol(text)) : 0;
  }();
  return rows > 0 ? std::min(rows, most) : most;
}

bool MutantActive(std::string_view name) {
  static const std::string active = [] {
    const char* text = std::getenv("WEIR_MUTANT");
    return std::string(text ? text : "");
  }();
  return active == name;
}

}  // namespace weir
#endif
