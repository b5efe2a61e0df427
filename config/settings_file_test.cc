#include "config/settings_file.h"

#include <regex>

#include "config/process_spec.h"
#include "config/testing/words.h"
#include "config/yaml.h"
#include "tests/catch.h"

using namespace weir;

namespace {

/// The faults of a process's file, as they are told.
std::string FaultsOf(const std::string& text, YamlNode* root = nullptr) {
  Diagnostics diagnostics;
  const YamlNode read = ReadYaml("weir.yaml", text, Variables{}, diagnostics);
  (void)ReadProcess(read, testing::Words(), diagnostics);
  if (root != nullptr) *root = read;
  return diagnostics.Render();
}

std::string WithExamples(const std::string& text) {
  return std::regex_replace(text, std::regex("(^|\n)#(?=[a-z])"), "$1");
}

}  // namespace

TEST_CASE("the file of settings loads as it is, and says nothing") {
  YamlNode root;
  CHECK(FaultsOf(SettingsFile(testing::Words()), &root).empty());
  CHECK(root.entries().empty());
}

TEST_CASE("each setting has help and an example that loads") {
  const std::string text = SettingsFile(testing::Words());
  YamlNode root;
  CHECK(FaultsOf(WithExamples(text), &root).empty());
  for (const FieldInfo& field : ProcessSpec::Describe().fields()) {
    CAPTURE(field.name);
    CHECK((root.Find(field.name) != nullptr) == !field.not_yet);
    CHECK((text.find("# " + field.name + " (") != std::string::npos) == !field.not_yet);
  }
}

TEST_CASE("settings below settings are told, too") {
  const std::string text = SettingsFile(testing::Words());
  CHECK(text.find("#   certificate (text, needed): ") != std::string::npos);
  CHECK(text.find("#   timeout (duration): ") != std::string::npos);
  CHECK(text.find("#   kafka: Help.\n") != std::string::npos);
  CHECK(text.find("opensearch") == std::string::npos);  // Not yet.
}
