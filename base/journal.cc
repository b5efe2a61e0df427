#include "base/journal.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace weir {

bool InJournal() {
  static const bool in_journal = [] {
    // Device and inode of the stream that systemd gave; it may have been redirected since.
    const char* given = std::getenv("JOURNAL_STREAM");
    struct stat stream{};
    if (given == nullptr || fstat(STDERR_FILENO, &stream) != 0) return false;
    return std::to_string(stream.st_dev) + ":" + std::to_string(stream.st_ino) == given;
  }();
  return in_journal;
}

}  // namespace weir
