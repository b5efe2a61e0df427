#include <chrono>
#include <cstdlib>
#include <random>

#include "config/job_spec.h"
#include "config/testing/words.h"
#include "config/yaml_data.h"
#include "tests/catch.h"

namespace weir {
namespace {

unsigned Seed() {
  const char* given = std::getenv("WEIR_SEED");
  return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10))
                          : std::random_device{}();
}

/// Pieces that mean something to YAML or to the language.
const std::vector<std::string>& Pieces() {
  static const std::vector<std::string> pieces = {"{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  ",",
                                                  ":",
                                                  ": ",
                                                  "- ",
                                                  "? ",
                                                  "|",
                                                  ">",
                                                  "'",
                                                  "\"",
                                                  "\\",
                                                  "\n",
                                                  "\n  ",
                                                  "\t",
                                                  "#",
                                                  " #",
                                                  "&a",
                                                  "*a",
                                                  "!!x",
                                                  "---",
                                                  "...",
                                                  "${X}",
                                                  "${",
                                                  "$$",
                                                  "%",
                                                  "@",
                                                  "`",
                                                  "~",
                                                  "null",
                                                  "yes",
                                                  "010",
                                                  "<<:",
                                                  "(",
                                                  ")",
                                                  "日本",
                                                  "\xFF",
                                                  "\r\n",
                                                  "\r",
                                                  "\x01",
                                                  "1d",
                                                  "off",
                                                  "from",
                                                  "sources",
                                                  "steps",
                                                  "kafka",
                                                  "\\x41",
                                                  "\\u12",
                                                  "|2-",
                                                  ">+",
                                                  std::string(70, '['),
                                                  std::string(1, '\0')};
  return pieces;
}

std::string Mutate(std::string text, std::mt19937& random) {
  const auto below = [&](size_t n) { return n == 0 ? 0 : random() % n; };
  for (size_t changes = 1 + below(6); changes > 0; --changes) {
    const size_t at = below(text.size() + 1);
    const size_t length = std::min<size_t>(below(30), text.size() - at);
    switch (below(6)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, Pieces()[below(Pieces().size())]);
        break;
      case 2:
        text.insert(below(text.size() + 1), text.substr(at, length));
        break;
      case 3:
        text.insert(at, std::string(below(12), ' '));
        break;
      case 4:
        text.insert(at, 1, static_cast<char>(below(256)));
        break;
      case 5:
        text.resize(at);
        break;
    }
  }
  return text;
}

TEST_CASE("no mutation of a job makes the reader crash, hang or point outside its lines") {
  const unsigned seed = Seed();
  INFO("WEIR_SEED=" << seed);
  std::mt19937 random(seed);
  const Vocabulary words = testing::Words();
  const std::vector<std::string> jobs = testing::Jobs();
  size_t faulty = 0;
  const int rounds = 4000;
  for (int round = 0; round < rounds; ++round) {
    const std::string text = Mutate(jobs[random() % jobs.size()], random);
    INFO(text);
    Diagnostics diagnostics;
    const auto begin = std::chrono::steady_clock::now();
    const YamlNode root = ReadYaml("job.yaml", text, {{{"X", "x"}}, false}, diagnostics);
    ReadJob(root, words, diagnostics);
    const std::string said = diagnostics.Render();
    // A hang, not a busy machine.
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
    faulty += diagnostics.has_errors() ? 1 : 0;
    CHECK(diagnostics.has_errors() == !said.empty());
    const size_t lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    for (const Diagnostics::Item& item : diagnostics.items()) {
      CHECK(item.place.line >= 1);
      CHECK(item.place.line <= lines);
      CHECK(item.place.column >= 1);
    }
    for (char c : said) CHECK((c == '\n' || c == '\t' || static_cast<unsigned char>(c) >= 0x20));
  }
  // Some changes do no harm, most do: otherwise the mutations are no test.
  CHECK(faulty > rounds / 4);
  CHECK(faulty < rounds);
}

TEST_CASE("no mutation of an override makes it crash") {
  const unsigned seed = Seed();
  INFO("WEIR_SEED=" << seed);
  std::mt19937 random(seed);
  Diagnostics none;
  const YamlNode root = ReadYaml("job.yaml", testing::Jobs()[0], {{}, false}, none);
  size_t good = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::string text = Mutate("sources.orders.kafka.topic=a", random);
    INFO(text);
    Diagnostics diagnostics;
    ReadJob(SetValue(root, text, {{}, false}, diagnostics), testing::Words(), diagnostics);
    diagnostics.Render();
    good += diagnostics.has_errors() ? 0 : 1;
  }
  CHECK(good > 0);
}

/// Writes `text` as a YAML scalar of some kind under the key `k`, and says for each byte of the
/// text where it must stand. Written apart from the reader.
struct Written {
  std::string yaml;
  std::vector<size_t> offsets;  // Of each byte of the text that stands as itself; otherwise npos.
};

Written WriteDouble(const std::string& text, std::mt19937& random) {
  Written out{"k: \"", {}};
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool escape = c == '"' || c == '\\' || c == '\n' || c == '\t' ||
                        (static_cast<unsigned char>(c) < 0x80 && random() % 5 == 0);
    if (!escape) {
      // A space at which the line may be folded.
      const bool inside = c == ' ' && i > 0 && i + 1 < text.size() && text[i - 1] != ' ' &&
                          text[i - 1] != '\n' && text[i - 1] != '\t' && text[i + 1] != ' ' &&
                          text[i + 1] != '\t' && text[i + 1] != '\n';
      if (inside && random() % 2 == 0) {
        out.offsets.push_back(std::string::npos);
        out.yaml += "\n   ";
        continue;
      }
      out.offsets.push_back(out.yaml.size());
      out.yaml += c;
      continue;
    }
    out.offsets.push_back(out.yaml.size());
    char hex[8];
    std::snprintf(hex, sizeof hex, random() % 2 ? "\\x%02x" : "\\u%04x",
                  static_cast<unsigned char>(c));
    out.yaml += c == '"' ? "\\\"" : c == '\n' ? "\\n" : std::string(hex);
  }
  out.yaml += "\"\n";
  return out;
}

Written WriteSingle(const std::string& text) {
  Written out{"k: '", {}};
  for (char c : text) {
    out.offsets.push_back(out.yaml.size());
    out.yaml += c == '\'' ? "''" : std::string(1, c);
    if (c == '\n') {  // n line ends of the text are n + 1 of the source.
      out.yaml.pop_back();
      out.offsets.back() = std::string::npos;
      const bool first = out.offsets.size() < 2 || text[out.offsets.size() - 2] != '\n';
      out.yaml += first ? "\n\n" : "\n";
    }
  }
  out.yaml += "'\n";
  return out;
}

Written WriteLiteral(const std::string& text, std::mt19937& random) {
  const std::string indent(2 + random() % 4, ' ');
  Written out{"k: |" + std::to_string(indent.size()) + "+\n", {}};
  bool line_begins = true;
  for (char c : text) {
    if (line_begins && c != '\n') out.yaml += indent;
    line_begins = c == '\n';
    out.offsets.push_back(c == '\n' ? std::string::npos : out.yaml.size());
    out.yaml += c;
  }
  return out;
}

std::string RandomText(std::mt19937& random, bool blanks_at_line_ends) {
  static const std::vector<std::string> parts = {"a",  "b7", " ",  "  ", "x > 1", "'",
                                                 "\"", "\\", "\n", "日", "é",     "(",
                                                 ")",  "#",  ": ", "{",  "\t"};
  std::string text = "w";
  for (size_t n = random() % 30; n > 0; --n) {
    const std::string& part = parts[random() % parts.size()];
    const bool blank = part[0] == ' ' || part == "\t" || part == ": ";
    if (!blanks_at_line_ends) {
      if (blank && part != ": " && text.back() == '\n') continue;
      if (part == "\n" && (text.back() == ' ' || text.back() == '\t')) continue;
    }
    text += part;
  }
  return text + "z";
}

TEST_CASE("every byte of a text knows the byte of the source that it came from") {
  const unsigned seed = Seed();
  INFO("WEIR_SEED=" << seed);
  std::mt19937 random(seed);
  size_t checked = 0;
  for (int round = 0; round < 6000; ++round) {
    const int kind = round % 3;
    std::string text = RandomText(random, kind != 1);
    if (kind == 2) text += "\n";
    const Written written = kind == 0   ? WriteDouble(text, random)
                            : kind == 1 ? WriteSingle(text)
                                        : WriteLiteral(text, random);
    INFO(written.yaml);
    Diagnostics diagnostics;
    const YamlNode root = ReadYaml("x", "# é\n" + written.yaml, {{}, false}, diagnostics);
    REQUIRE_FALSE(diagnostics.has_errors());
    const YamlNode& node = *root.Find("k");
    REQUIRE(node.text() == text);
    const SourceIndex index(node.place().source);
    for (size_t i = 0; i < text.size(); ++i) {
      if (written.offsets[i] == std::string::npos) continue;
      if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;
      const Place want = index.At(written.offsets[i] + 5);
      const Place have = node.PlaceAt(i);
      REQUIRE(have.line == want.line);
      REQUIRE(have.column == want.column);
      ++checked;
    }
  }
  CHECK(checked > 10000);
}

}  // namespace
}  // namespace weir
