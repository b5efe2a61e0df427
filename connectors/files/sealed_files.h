#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace weir {

/// A file of the sink as a checkpoint knows it. Its temporary name is `_` + name + `.open`.
struct SealedFile {
  std::string folder;   ///< Below the sink's path: `ticker=A/dt=B`, or empty.
  std::string name;     ///< Under which it will be seen.
  uint64_t length = 0;  ///< Bytes that are safe and whole; more may follow in an open one.
  bool closed = false;  ///< Nothing will be added.

  std::string Path(const std::string& root) const { return Under(root, name); }
  std::string OpenPath(const std::string& root) const { return Under(root, OpenName()); }
  std::string OpenName() const { return "_" + name + ".open"; }
  std::string FolderPath(const std::string& root) const {
    return folder.empty() ? root : root + "/" + folder;
  }

 private:
  std::string Under(const std::string& root, const std::string& file) const {
    return FolderPath(root) + "/" + file;
  }
};

/// Text, one line for each file: `open|closed length name folder`.
std::string ToText(const std::vector<SealedFile>& files);
/// Adds what ToText wrote to `files`. A file that is there already is joined with what is said of
/// it now: the greater length counts, and closed stays closed.
Status AddSealedFiles(std::string_view text, std::vector<SealedFile>& files);

/// `text` with all but letters, digits, `-`, `_`, `.` and `~` as %XX: safe as a part of a path.
std::string PercentEncoded(std::string_view text);

}  // namespace weir
