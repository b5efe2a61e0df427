#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/job_spec.h"
#include "config/testing/words.h"
#include "tests/catch.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

/// Tests run from the project's root or a folder below it.
fs::path Folder() {
  const fs::path inside = "tests/golden/errors/structure";
  for (fs::path root = fs::current_path();; root = root.parent_path()) {
    if (fs::exists(root / inside) || root == root.root_path()) return root / inside;
  }
}

std::string Contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// `# vars: A=b C=d` and `# set: PATH=VALUE` at the top of a file.
JobInput InputOf(const fs::path& path, const std::string& text) {
  JobInput input{path.string(), {}, {}};
  input.variables.environment = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && line.starts_with("# ");) {
    if (line.starts_with("# set: ")) input.overrides.push_back(line.substr(7));
    if (!line.starts_with("# vars: ")) continue;
    std::istringstream words(line.substr(8));
    for (std::string word; words >> word;) {
      const size_t equals = word.find('=');
      input.variables.given[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  return input;
}

std::string WithoutFolder(std::string text) {
  const std::string folder = Folder().string() + "/";
  for (size_t at; (at = text.find(folder)) != std::string::npos;) text.erase(at, folder.size());
  return text;
}

TEST_CASE("each wrong job file gets its messages, with their places") {
  const bool update = std::getenv("WEIR_UPDATE_EXPECTED") != nullptr;
  const Vocabulary vocabulary = testing::Words();
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(Folder())) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  REQUIRE(files.size() >= 20);
  for (const fs::path& path : files) {
    Diagnostics diagnostics;
    ReadJobFile(InputOf(path, Contents(path)), vocabulary, diagnostics);
    const std::string said = WithoutFolder(diagnostics.Render());
    fs::path expected = path;
    expected.replace_extension(".err");
    if (update) std::ofstream(expected, std::ios::binary) << said;
    INFO(path.filename().string());
    CHECK(diagnostics.has_errors());
    CHECK(said == Contents(expected));
  }
}

}  // namespace
}  // namespace weir
