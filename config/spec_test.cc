#include "config/spec.h"

#include <nlohmann/json.hpp>

#include "config/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

enum class Keep { kFirst, kLast, kOff };
std::vector<Choice<Keep>> ChoicesOf(Keep) {
  return {{"first", Keep::kFirst}, {"last", Keep::kLast}, {"off", Keep::kOff}};
}

struct Named {
  std::string label;
};

struct Roll : Named {
  ByteSize size;
  Keep keep = Keep::kFirst;
  static const Spec<Roll>& Describe() {
    static const Spec<Roll> spec(
        "roll", "When a file ends.",
        {Bare(&Roll::keep, "In place of the map."),
         Required("size", &Roll::size, "Bytes.", AtLeast(ByteSize::KiB(1))),
         Optional("label", &Roll::label, "none yet", "From the base.", NotEmpty)},
        "roll: { size: 1MiB }");
    return spec;
  }
};

struct Everything {
  std::vector<std::string> by;
  Duration within;
  std::optional<Duration> idle;
  DurationRange delay;
  Rate rate;
  bool flag = true;
  int32_t small = -1;
  int64_t big = 0;
  uint32_t count = 0;
  double share = 0;
  Keep keep = Keep::kFirst;
  std::optional<uint32_t> attempts;
  ExpressionText where;
  Secret password;
  YamlNode raw;
  Roll roll;
  std::optional<Roll> maybe;
  std::vector<Roll> rolls;
  std::map<std::string, std::vector<Keep>> keeps;

  static const Spec<Everything>& Describe() {
    static const Spec<Everything> spec(
        "everything", "All kinds of members.",
        {Required("by", &Everything::by, "Columns.", NotEmpty),
         Optional("within", &Everything::within, Duration::Minutes(10), "Time.", Positive),
         Optional("idle", &Everything::idle, std::nullopt, "Idle.", Positive),
         Optional("delay", &Everything::delay, DurationRange{}, "Delay."),
         Optional("rate", &Everything::rate, Rate{5}, "Rate.", Positive),
         Optional("flag", &Everything::flag, false, "Flag."),
         Optional("small", &Everything::small, "Small.", InRange(-5, 5)),
         Optional("big", &Everything::big, 7, "Big.", AtMost(100), NotNegative),
         Optional("count", &Everything::count, 1, "Count."),
         Optional("share", &Everything::share, 0.5, "Share.", InRange(0.0, 1.0)),
         Optional("keep", &Everything::keep, Keep::kLast, "Keep."),
         Optional("attempts", &Everything::attempts, std::nullopt, "Attempts."),
         Optional("where", &Everything::where, "Condition."),
         Optional("password", &Everything::password, "Password."),
         Optional("raw", &Everything::raw, "Raw."),
         Optional("roll", &Everything::roll, "Roll."),
         Optional("maybe", &Everything::maybe, "Roll or not."),
         Optional("rolls", &Everything::rolls, "Rolls."),
         Optional("keeps", &Everything::keeps, "Keeps by name."),
         NotYet("join", "Later.")},
        "everything: { by: [id] }");
    return spec;
  }
};

bool Read(const std::string& text, Everything& out, Diagnostics& diagnostics) {
  Diagnostics yaml;
  const YamlNode node = ReadYaml("spec.yaml", text, {{}, false}, yaml);
  REQUIRE_FALSE(yaml.has_errors());
  return Everything::Describe().Read(node, diagnostics, out);
}

Everything ReadGood(const std::string& text) {
  Everything out;
  Diagnostics diagnostics;
  const bool good = Read(text, out, diagnostics);
  INFO(diagnostics.Render());
  CHECK(good);
  CHECK_FALSE(diagnostics.has_errors());
  return out;
}

/// `line:column code` of each fault.
std::vector<std::string> Faults(const std::string& text) {
  Everything out;
  Diagnostics diagnostics;
  const bool good = Read(text, out, diagnostics);
  CHECK(good != diagnostics.has_errors());
  std::vector<std::string> faults;
  for (const Diagnostics::Item& item : diagnostics.items()) {
    faults.push_back(std::to_string(item.place.line) + ":" + std::to_string(item.place.column) +
                     " " + std::string(item.code->id));
  }
  return faults;
}

TEST_CASE("a spec reads every kind of member") {
  const Everything all = ReadGood(R"(
by: [a, b]
within: 1h
idle: 5s
delay: 1s..2s
rate: 20/s
flag: true
small: -5
big: "100"
count: 3
share: 1
keep: off
attempts: 4
where: |
  a > 1
password: { env: PASSWORD }
raw: { any: [thing] }
roll: { size: 2KiB, label: x }
maybe: last
rolls: [{ size: 1MiB }, off]
keeps: { a: first, b: [last, off] }
)");
  CHECK(all.by == std::vector<std::string>{"a", "b"});
  CHECK(all.within == Duration::Hours(1));
  CHECK(all.idle == Duration::Seconds(5));
  CHECK(all.delay == DurationRange{Duration::Seconds(1), Duration::Seconds(2)});
  CHECK(all.rate == Rate{20});
  CHECK(all.flag);
  CHECK(all.small == -5);
  CHECK(all.big == 100);
  CHECK(all.count == 3);
  CHECK(all.share == 1);
  CHECK(all.keep == Keep::kOff);
  CHECK(all.attempts == 4u);
  CHECK(all.where.text == "a > 1\n");
  CHECK(all.where.node.PlaceAt(2).line == 15);
  CHECK(all.where.node.PlaceAt(2).column == 5);
  CHECK(all.password.from() == Secret::From::kEnvironment);
  CHECK(all.password.name() == "PASSWORD");
  CHECK(all.raw.Find("any")->items().size() == 1);
  CHECK(all.roll.size == ByteSize::KiB(2));
  CHECK(all.roll.label == "x");
  REQUIRE(all.maybe);
  CHECK(all.maybe->keep == Keep::kLast);
  CHECK(all.maybe->label == "none yet");
  REQUIRE(all.rolls.size() == 2);
  CHECK(all.rolls[0].size == ByteSize::MiB(1));
  CHECK(all.rolls[1].keep == Keep::kOff);
  CHECK(all.keeps.at("a") == std::vector<Keep>{Keep::kFirst});
  CHECK(all.keeps.at("b").size() == 2);
}

TEST_CASE("what is left out has its default") {
  Everything dirty;
  dirty.within = Duration::Days(3);
  dirty.idle = Duration::Days(3);
  Diagnostics diagnostics;
  REQUIRE(Read("by: one\nattempts: unlimited\nidle: off", dirty, diagnostics));
  CHECK(dirty.by == std::vector<std::string>{"one"});
  CHECK(dirty.within == Duration::Minutes(10));
  CHECK_FALSE(dirty.idle);
  CHECK(dirty.rate == Rate{5});
  CHECK_FALSE(dirty.flag);
  CHECK(dirty.small == -1);
  CHECK(dirty.big == 7);
  CHECK(dirty.keep == Keep::kLast);
  CHECK_FALSE(dirty.attempts);
  CHECK_FALSE(dirty.maybe);
  CHECK_FALSE(dirty.password.given());
}

TEST_CASE("all faults are told, each at its place") {
  CHECK(Faults("within: 0s\nwihtin: 1s\nkeep: frist\nraw:\njoin: x\nroll: { sise: 1MiB }") ==
        std::vector<std::string>{"1:9 WEIR-J006", "2:1 WEIR-J003", "3:7 WEIR-J005", "5:1 WEIR-J007",
                                 "6:9 WEIR-J003", "6:7 WEIR-J004", "1:1 WEIR-J004"});
  CHECK(Faults("by: []\nflag: yes\nsmall: 6\nbig: 101\ncount: -1\nshare: 1.5\nattempts: many") ==
        std::vector<std::string>{"1:5 WEIR-J006", "2:7 WEIR-J024", "3:8 WEIR-J006", "4:6 WEIR-J006",
                                 "5:8 WEIR-J006", "6:8 WEIR-J006", "7:11 WEIR-J005"});
  CHECK(Faults("by: [[a], {b: 1}, , no]\nwithin: [1s]\nidle: {}\nroll: 7\nrolls: [{}, last]\n"
               "keeps: [a]\nmaybe: { size: 1 }") ==
        std::vector<std::string>{
            "1:6 WEIR-J005", "1:11 WEIR-J005", "1:19 WEIR-J005", "1:21 WEIR-J024", "2:9 WEIR-J005",
            "3:7 WEIR-J005", "4:7 WEIR-J005", "5:9 WEIR-J004", "6:8 WEIR-J005", "7:16 WEIR-J006"});
  CHECK(Faults("[by]") == std::vector<std::string>{"1:1 WEIR-J005"});
  CHECK(Faults("") == std::vector<std::string>{"1:1 WEIR-J004"});
}

TEST_CASE("a secret in the clear is refused, and nobody shows it") {
  Everything out;
  Diagnostics diagnostics;
  CHECK_FALSE(Read("by: a\npassword: hunter2", out, diagnostics));
  REQUIRE(diagnostics.items().size() == 1);
  CHECK(diagnostics.items()[0].code->id == errors::kSecretWritten.id);
  CHECK(diagnostics.items()[0].message.find("hunter2") == std::string::npos);
  CHECK(Faults("by: a\npassword: { env: A, file: B }") ==
        std::vector<std::string>{"2:11 WEIR-J005"});
  CHECK(Faults("by: a\npassword: { enf: A }") == std::vector<std::string>{"2:13 WEIR-J003"});
  CHECK(Faults("by: a\npassword: { env: '' }") == std::vector<std::string>{"2:19 WEIR-J006"});
}

TEST_CASE("keys of others are left to them, and count where a wrong one is guessed at") {
  Diagnostics diagnostics;
  const YamlNode node = ReadYaml("x", "size: 1MiB\nkafka: {}\nkafak: {}", {{}, false}, diagnostics);
  Roll roll;
  CHECK_FALSE(Roll::Describe().ReadAmong({"kafka"}, node, node.place(), diagnostics, roll));
  REQUIRE(diagnostics.items().size() == 1);
  CHECK(diagnostics.items()[0].message == "unknown key 'kafak', did you mean 'kafka'?");
}

TEST_CASE("the declaration documents itself") {
  const SpecBase& spec = Everything::Describe();
  CHECK(spec.name() == "everything");
  CHECK(spec.example() == "everything: { by: [id] }");
  const auto field = [&](std::string_view name) {
    for (const FieldInfo& info : spec.fields()) {
      if (info.name == name) return info;
    }
    FAIL("no field " << name);
    return FieldInfo();
  };
  CHECK(field("by").required);
  CHECK(field("by").type == "list of text");
  CHECK(field("by").bound == "not empty");
  CHECK(field("within").fallback == "10m");
  CHECK(field("within").type == "duration");
  CHECK(field("idle").fallback == "off");
  CHECK(field("attempts").fallback == "unlimited");
  CHECK(field("big").bound == "100 or less, 0 or more");
  CHECK(field("keep").type == "first | last | off");
  CHECK(field("keep").fallback == "last");
  CHECK(field("delay").fallback == "none");
  CHECK(field("roll").nested == &Roll::Describe());
  CHECK(field("join").not_yet);
  for (const FieldInfo& info : spec.fields()) CHECK_FALSE(info.help.empty());
}

TEST_CASE("the JSON Schema says what the reader takes") {
  const auto schema = nlohmann::json::parse(Everything::Describe().JsonSchema());
  CHECK(schema["type"] == "object");
  CHECK(schema["additionalProperties"] == false);
  CHECK(schema["required"] == nlohmann::json::array({"by"}));
  CHECK_FALSE(schema["properties"].contains("join"));
  CHECK(schema["properties"]["within"]["default"] == "10m");
  CHECK(schema["properties"]["within"]["type"] == "string");
  CHECK(schema["properties"]["by"]["anyOf"][0]["type"] == "array");
  CHECK(schema["properties"]["by"]["anyOf"][0]["items"]["type"].is_array());
  CHECK(schema["properties"]["count"]["anyOf"][0]["minimum"] == 0);
  CHECK(schema["properties"]["keep"]["anyOf"][0]["enum"] ==
        nlohmann::json::array({"first", "last", "off"}));
  CHECK(schema["properties"]["roll"]["anyOf"][1]["properties"]["size"]["anyOf"].size() == 2);
  CHECK(schema["properties"]["password"]["properties"]["env"]["type"] == "string");
  CHECK(schema["properties"]["password"]["maxProperties"] == 1);
}

}  // namespace
}  // namespace weir
