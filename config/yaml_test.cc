#include "config/yaml.h"

#include <chrono>
#include <cstdlib>

#include "config/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

YamlNode Read(const std::string& text, Diagnostics& diagnostics,
              std::map<std::string, std::string, std::less<>> given = {}) {
  return ReadYaml("job.yaml", text, {std::move(given), false}, diagnostics);
}

YamlNode ReadGood(const std::string& text,
                  std::map<std::string, std::string, std::less<>> given = {}) {
  Diagnostics diagnostics;
  YamlNode node = Read(text, diagnostics, std::move(given));
  INFO(diagnostics.Render());
  REQUIRE_FALSE(diagnostics.has_errors());
  return node;
}

/// `line:column` of the first place where `piece` is in the scalar under `key`.
std::string PlaceOf(const YamlNode& map, std::string_view key, std::string_view piece) {
  const YamlNode* node = map.Find(key);
  REQUIRE(node != nullptr);
  const size_t offset = node->text().find(piece);
  REQUIRE(offset != std::string::npos);
  const Place place = node->PlaceAt(offset);
  return std::to_string(place.line) + ":" + std::to_string(place.column);
}

TEST_CASE("texts of every kind are read, and each of their bytes knows its place") {
  const YamlNode root = ReadGood(
      "plain: one\n"
      "    two   three\n"
      "\n"
      "    four\n"
      "single: 'it''s\n"
      "   here'\n"
      "double: \"a\\tb\\u00e4c \\\n"
      "   joined \\x41Z\n"
      "\n"
      "   end\"\n"
      "literal: |\n"
      "    first\n"
      "      second\n"
      "\n"
      "    third\n"
      "folded: >-\n"
      "    one\n"
      "    two\n"
      "\n"
      "    three\n"
      "      kept\n"
      "    four\n"
      "chomped: |2-\n"
      "    two blanks\n"
      "flow: { a: x y , 'b': \"z\" }\n");
  CHECK(root.Find("plain")->text() == "one two   three\nfour");
  CHECK(PlaceOf(root, "plain", "one") == "1:8");
  CHECK(PlaceOf(root, "plain", "three") == "2:11");
  CHECK(PlaceOf(root, "plain", "four") == "4:5");
  CHECK_FALSE(root.Find("plain")->quoted());
  CHECK(root.Find("single")->text() == "it's here");
  CHECK(PlaceOf(root, "single", "it") == "5:10");
  CHECK(PlaceOf(root, "single", "s ") == "5:14");
  CHECK(PlaceOf(root, "single", "here") == "6:4");
  CHECK(root.Find("single")->quoted());
  CHECK(root.Find("double")->text() ==
        "a\tb\xC3\xA4"
        "c joined AZ\nend");
  CHECK(PlaceOf(root, "double", "b") == "7:13");
  CHECK(PlaceOf(root, "double", "c ") == "7:20");
  CHECK(PlaceOf(root, "double", "joined") == "8:4");
  CHECK(PlaceOf(root, "double", "Z") == "8:15");
  CHECK(PlaceOf(root, "double", "end") == "10:4");
  CHECK(root.Find("literal")->text() == "first\n  second\n\nthird\n");
  CHECK(PlaceOf(root, "literal", "first") == "12:5");
  CHECK(PlaceOf(root, "literal", "second") == "13:7");
  CHECK(PlaceOf(root, "literal", "third") == "15:5");
  CHECK(root.Find("literal")->place().line == 12);
  CHECK(root.Find("folded")->text() == "one two\nthree\n  kept\nfour");
  CHECK(PlaceOf(root, "folded", "two") == "18:5");
  CHECK(PlaceOf(root, "folded", "three") == "20:5");
  CHECK(PlaceOf(root, "folded", "kept") == "21:7");
  CHECK(PlaceOf(root, "folded", "four") == "22:5");
  CHECK(root.Find("chomped")->text() == "  two blanks");
  CHECK(PlaceOf(root, "chomped", "two") == "24:5");
  const YamlNode& flow = *root.Find("flow");
  CHECK(flow.Find("a")->text() == "x y");
  CHECK(PlaceOf(flow, "a", "y") == "25:14");
  CHECK(PlaceOf(flow, "b", "z") == "25:24");
  CHECK(flow.entries()[1].key_place.column == 19);
}

TEST_CASE("columns count characters, and lines end as Windows ends them too") {
  const YamlNode root = ReadGood(
      "\xEF\xBB\xBF"
      "\"日本\": \"語語x\"\r\nb: |\r\n  one\r\n  two\r\n");
  CHECK(PlaceOf(root, "日本", "x") == "1:10");
  CHECK(PlaceOf(root, "b", "two") == "4:3");
}

TEST_CASE("variables are filled in after the parse") {
  const YamlNode root =
      ReadGood("a: ${X}\nb: \"<${Y:-d e}> $$ $5 ${X}z\"\n${X}: k # ${NOT}\nc: ${E:-}${E:-full}|\n",
               {{"X", "1, b: ${X}\nq"}, {"E", ""}});
  CHECK(root.Find("a")->text() == "1, b: ${X}\nq");
  CHECK(root.Find("b")->text() == "<d e> $ $5 1, b: ${X}\nqz");
  CHECK(PlaceOf(root, "b", "q") == "2:23");
  CHECK(PlaceOf(root, "b", "z") == "2:27");
  CHECK(root.Find("${X}") != nullptr);
  CHECK(root.Find("c")->text() == "full|");

  Diagnostics diagnostics;
  const YamlNode missing = Read("a: { b: \"x ${GONE}\", c: 1 }\n", diagnostics);
  REQUIRE(diagnostics.items().size() == 1);
  CHECK(diagnostics.items()[0].code->id == errors::kMissingVariable.id);
  CHECK(diagnostics.items()[0].place.column == 12);
  CHECK(missing.Find("a")->faulty());
  CHECK_FALSE(missing.Find("a")->Find("c")->faulty());

  setenv("WEIR_CONFIG_TEST", "from outside", 1);
  Diagnostics none;
  const YamlNode outside =
      ReadYaml("x", "a: ${WEIR_CONFIG_TEST}", {{}, /*environment=*/true}, none);
  CHECK(outside.Find("a")->text() == "from outside");
  CHECK(ReadYaml("x", "a: ${WEIR_CONFIG_TEST}", {{}, false}, none).Find("a")->faulty());
}

TEST_CASE("variables can't make a file grow without bound") {
  std::string text = "a: [";
  for (int i = 0; i < 2000; ++i) text += "\"${X}\", ";
  Diagnostics diagnostics;
  Read(text + "]", diagnostics, {{"X", std::string(100000, 'x')}});
  REQUIRE(diagnostics.has_errors());
  CHECK(diagnostics.items()[0].code->id == errors::kTooMuchYaml.id);
}

TEST_CASE("what weir never means is refused at once") {
  struct Case {
    std::string text;
    std::string_view code;
    size_t line;
  };
  std::string laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const std::string before(1, static_cast<char>(c - 1));
    laughs += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) laughs += "*" + before + ",";
    laughs += "]\n";
  }
  std::string lines;
  for (int i = 0; i < 100000; ++i) lines += "k" + std::to_string(i) + ": v\n";
  const size_t most = 1 << 20;
  const std::vector<Case> cases = {
      {laughs, errors::kRefusedYaml.id, 1},
      {"a: 1\na: 2\n", errors::kDuplicateKey.id, 2},
      {"a: !!str 1\n", errors::kRefusedYaml.id, 1},
      {"a: !x {b: 1}\n", errors::kRefusedYaml.id, 1},
      {"a: 1\n---\nb: 2\n", errors::kRefusedYaml.id, 2},
      {std::string(100000, '['), errors::kTooMuchYaml.id, 1},
      {std::string(100000, '{'), errors::kTooMuchYaml.id, 1},
      {std::string("a: ") + std::string(100000, '['), errors::kTooMuchYaml.id, 1},
      {[] {
         std::string t;
         for (int i = 0; i < 50000; ++i) t += "- ";
         return t;
       }(),
       errors::kTooMuchYaml.id, 1},
      {[] {
         std::string t;
         for (int i = 0; i < 50000; ++i) t += "? ";
         return t;
       }(),
       errors::kNotYaml.id, 1},
      {[] {
         std::string t = "k: ";
         for (int i = 0; i < 5000; ++i) t += "[a,\n ";
         return t + std::string(5000, ']');
       }(),
       errors::kTooMuchYaml.id, 64},
      {[] {
         std::string t = "a: ";
         for (int i = 0; i < 50000; ++i) t += "{a: ";
         return t;
       }(),
       errors::kTooMuchYaml.id, 1},
      {[] {
         std::string t;
         for (int i = 0; i < 400; ++i) t += std::string(i, ' ') + "a:\n";
         return t;
       }(),
       errors::kTooMuchYaml.id, 65},
      {lines, errors::kTooMuchYaml.id, 5000},
      {std::string(most + 1, 'x'), errors::kTooMuchYaml.id, 1},
      {"a: " + std::string(most - 10, ',') + "\xFF", errors::kNotYaml.id, 1},
      {std::string("a: x\0y", 6), errors::kNotYaml.id, 1},
      {"a: \"x\\0y\"", errors::kRefusedYaml.id, 1},
      {"a: \"\\N\"", errors::kRefusedYaml.id, 1},
      {"a: \xC0\x80", errors::kNotYaml.id, 1},
      {"a: \xED\xA0\x80", errors::kNotYaml.id, 1},
      {"a: \x04 b", errors::kNotYaml.id, 1},
      {"a: 1\rb: 2", errors::kNotYaml.id, 1},
      {"a: b: c", errors::kNotYaml.id, 1},
      {"a: [1, 2", errors::kNotYaml.id, 1},
      {"[a]: 1", errors::kNotYaml.id, 1},
      {": 1", errors::kNotYaml.id, 1},
      {"a: *b", errors::kRefusedYaml.id, 1},
      {"<<: *b", errors::kRefusedYaml.id, 1},
      {"a: 'x", errors::kNotYaml.id, 1},
      {"a: \"\\q\"", errors::kNotYaml.id, 1},
      {"%YAML 1.1\n%YAML 1.1\n---\na: 1", errors::kNotYaml.id, 2},
  };
  for (const Case& c : cases) {
    INFO(c.text.substr(0, 60));
    Diagnostics diagnostics;
    const auto begin = std::chrono::steady_clock::now();
    Read(c.text, diagnostics);
    const auto took = std::chrono::steady_clock::now() - begin;
    REQUIRE(diagnostics.has_errors());
    const Diagnostics::Item& first = diagnostics.items()[0];
    CHECK(first.code->id == c.code);
    CHECK(first.place.line == c.line);
    CHECK(diagnostics.items().size() <= 1000);
    // A tenth of a second where the machine is free; the bound is for hangs.
    CHECK(took < std::chrono::seconds(2));
    CHECK(diagnostics.Render().size() < 200000);
  }
}

TEST_CASE("the largest file that is taken is read, also as one line") {
  std::string text = "a: [";
  while (text.size() < (1 << 20) - 300) text += "\"" + std::string(200, 'x') + "\",\t";
  text += "b]";
  const YamlNode root = ReadGood(text);
  const YamlNode& last = root.Find("a")->items().back();
  CHECK(last.text() == "b");
  CHECK(last.place().column == text.size() - 1);
  Diagnostics diagnostics;
  diagnostics.Error(errors::kBadValue, last.place(), "here");
  CHECK(diagnostics.Render().size() < 600);
  CHECK(diagnostics.Render().find("b]\n") != std::string::npos);
}

TEST_CASE("carets stand under what they mean, behind tabs and wide characters") {
  const YamlNode root = ReadGood("b:\t'日本 x' # no\nc: 1\n");
  Diagnostics diagnostics;
  diagnostics.Error(errors::kBadValue, root.Find("c")->place(), "second", "cure");
  diagnostics.Warn(errors::kBadValue, root.Find("b")->PlaceAt(7), "first \x1b[31m", "", 2);
  diagnostics.Error(errors::kBadValue, root.Find("b")->place(), "wide", "", 2);
  diagnostics.Error(errors::kBadValue, root.Find("b")->place(), "wide", "", 2);
  CHECK(diagnostics.Render() ==
        "job.yaml:1:5: error WEIR-J005: wide\n"
        "     1 | b:\t'日本 x' # no\n"
        "       |   \t ^~~~\n"
        "job.yaml:1:8: warning WEIR-J005: first ?[31m\n"
        "     1 | b:\t'日本 x' # no\n"
        "       |   \t      ^~\n"
        "job.yaml:2:4: error WEIR-J005: second\n"
        "     2 | c: 1\n"
        "       |    ^\n"
        "       = cure\n");
  CHECK(diagnostics.ToStatus().Is(errors::kInvalidFile));
  Diagnostics warned;
  warned.Warn(errors::kBadValue, root.place(), "only a warning");
  CHECK(warned.ToStatus().ok());
}

TEST_CASE("an override changes a value as if it stood in the file") {
  const YamlNode root = ReadGood("a: { b: 1, c: [x] }\nd: text\n");
  Diagnostics diagnostics;
  const Variables variables;
  YamlNode changed = SetValue(root, "a.b={ z: 2 }", variables, diagnostics);
  changed = SetValue(changed, "new.deep.er= 10s", variables, diagnostics);
  changed = SetValue(changed, "d=", variables, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  CHECK(changed.Find("a")->Find("b")->Find("z")->text() == "2");
  CHECK(changed.Find("a")->Find("c")->items().size() == 1);
  const YamlNode& made = *changed.Find("new")->Find("deep")->Find("er");
  CHECK(made.text() == "10s");
  CHECK(made.place().source->name == "--set");
  CHECK(made.place().column == 14);
  CHECK(changed.Find("d")->kind() == YamlNode::Kind::kNull);
  CHECK(root.Find("d")->text() == "text");

  for (const char* wrong :
       {"a", "=1", "a..b=1", ".a=1", "d.x=1", "a.c.0=1", "a.b=[", "a.b=*x", "a.b=1\n---\n2"}) {
    INFO(wrong);
    Diagnostics faults;
    SetValue(root, wrong, variables, faults);
    CHECK(faults.has_errors());
    CHECK(faults.items()[0].place.source->name == "--set");
  }
  std::string path;
  for (int i = 0; i < 5000; ++i) path += "a.";
  Diagnostics faults;
  SetValue(YamlNode(), path + "a=1", variables, faults);
  CHECK(faults.has_errors());
}

TEST_CASE("a file that can't be read says why") {
  for (const char* path : {"/nonexistent/job.yaml", "/tmp", "/dev/null"}) {
    Diagnostics diagnostics;
    CHECK(ReadYamlFile(path, {}, diagnostics).kind() == YamlNode::Kind::kNull);
    REQUIRE(diagnostics.has_errors());
    CHECK(diagnostics.items()[0].code->id == errors::kUnreadableFile.id);
    CHECK(diagnostics.Render().find(path) != std::string::npos);
  }
}

TEST_CASE("the nearest known name is guessed, and only a near one") {
  const std::vector<std::string> known = {"tumbling", "hopping", "session", "id", "by"};
  CHECK(NearestName("tumblng", known) == "tumbling");
  CHECK(NearestName("Session", known) == "session");
  CHECK(NearestName("hoppign", known) == "hopping");
  CHECK(NearestName("window", known).empty());
  CHECK(NearestName("xy", known) == "by");
  CHECK(NearestName("zz", known).empty());
  CHECK(NearestName(std::string(100000, 't'), known).empty());
}

}  // namespace
}  // namespace weir
