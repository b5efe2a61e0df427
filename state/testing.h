#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/ids.h"
#include "batch/key.h"
#include "state/checkpoint_store.h"
#include "state/task_state.h"
#include "tests/catch.h"

namespace weir::testing {

/// A folder for one test, removed at its end.
class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_((std::filesystem::temp_directory_path() / ("weir-test-" + RandomId())).string()) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  const std::string path_;
};

/// A text that owns heap memory, to see that rows are made, counted and ended.
class TextLayout final : public RowLayout {
 public:
  size_t size() const override { return sizeof(std::string); }
  void Init(std::byte* row) const override { new (row) std::string(); }
  void Destroy(std::byte* row) const override { Text(row).~basic_string(); }
  size_t HeapBytes(const std::byte* row) const override { return Text(row).capacity(); }
  void Encode(const std::byte* row, std::string& out) const override { out += Text(row); }
  bool Decode(std::string_view bytes, std::byte* row) const override {
    Text(row) = bytes;
    return true;
  }
  static std::string& Text(std::byte* row) { return *reinterpret_cast<std::string*>(row); }
  static const std::string& Text(const std::byte* row) {
    return *reinterpret_cast<const std::string*>(row);
  }
};

/// `bytes` plain bytes.
class PlainLayout final : public RowLayout {
 public:
  explicit PlainLayout(size_t bytes) : bytes_(bytes) {}
  size_t size() const override { return bytes_; }
  void Init(std::byte* row) const override { std::memset(row, 0, bytes_); }
  void Destroy(std::byte*) const override {}
  size_t HeapBytes(const std::byte*) const override { return 0; }
  bool OwnsHeap() const override { return false; }
  void Encode(const std::byte* row, std::string& out) const override {
    out.append(reinterpret_cast<const char*>(row), bytes_);
  }
  bool Decode(std::string_view bytes, std::byte* row) const override {
    if (bytes.size() != bytes_) return false;
    std::memcpy(row, bytes.data(), bytes_);
    return true;
  }

 private:
  const size_t bytes_;
};

inline void Check(const Status& status) {
  INFO(status.ToString());
  REQUIRE(status.ok());
}

template <typename T>
T Check(Result<T> result) {
  if (!result.ok()) {
    INFO(result.status().ToString());
    REQUIRE(result.ok());
  }
  return std::move(result).value();
}

inline uint64_t TestSeed() {
  const char* text = std::getenv("WEIR_TEST_SEED");
  return text ? std::strtoull(text, nullptr, 10) : std::random_device{}();
}

/// Runs a hidden test case of this program in a process of its own, with a failpoint armed (they
/// are read once in a process) and `folder` as its only argument. Its exit status, 0 where it
/// passed; negative: the signal that ended it.
inline int RunHidden(const std::string& test_case, const std::string& failpoint,
                     const std::string& folder) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("WEIR_FAILPOINTS", failpoint.c_str(), 1);
    ::setenv("WEIR_TEST_FOLDER", folder.c_str(), 1);
    const int silent = ::open("/dev/null", O_WRONLY);
    if (std::getenv("WEIR_TEST_LOUD") == nullptr) ::dup2(silent, STDOUT_FILENO);
    ::execl("/proc/self/exe", "state_test", test_case.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  // A name that matches nothing would pass, too.
  REQUIRE(std::filesystem::remove(folder + "/hidden-ran"));
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
inline std::string HiddenFolder() {
  const char* folder = std::getenv("WEIR_TEST_FOLDER");
  REQUIRE(folder != nullptr);
  std::ofstream(std::string(folder) + "/hidden-ran") << "yes";
  return folder;
}

}  // namespace weir::testing
