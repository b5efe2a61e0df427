#include "daemon/worker/job_lines.h"

#include <utility>

namespace weir {

void JobLines::Add(const std::string& job, std::string line) {
  if (line.size() > kMostBytes) line.resize(kMostBytes);
  std::lock_guard lock(mutex_);
  Gathered& of = gathered_[job];
  of.lines.push_back(std::move(line));
  if (of.lines.size() <= kMostLines) return;
  of.lines.pop_front();
  of.left_out++;
}

std::map<std::string, JobLines::Gathered> JobLines::Take() {
  std::lock_guard lock(mutex_);
  return std::exchange(gathered_, {});
}

}  // namespace weir
