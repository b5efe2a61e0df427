#include "batch/time_text.h"

#include <random>

#include "batch/time_layout.h"
#include "batch/time_zone.h"
#include "tests/catch.h"

namespace weir {
namespace {

std::string Again(std::string_view text, const TimeZone* zone = nullptr) {
  const auto time = ParseTime(text, zone);
  return time ? FormatIso8601(*time) : "no";
}

TEST_CASE("ISO 8601 in its many spellings") {
  CHECK(Again("2026-01-02T03:04:05Z") == "2026-01-02T03:04:05Z");
  CHECK(Again("2026-01-02 03:04:05") == "2026-01-02T03:04:05Z");
  CHECK(Again("2026-01-02T03:04:05.1") == "2026-01-02T03:04:05.100Z");
  CHECK(Again("2026-01-02T03:04:05.123456789Z") == "2026-01-02T03:04:05.123456Z");
  CHECK(Again("2026-01-02T03:04:05+02:00") == "2026-01-02T01:04:05Z");
  CHECK(Again("2026-01-02T03:04:05-0530") == "2026-01-02T08:34:05Z");
  CHECK(Again("2026-01-02T03:04:05+01") == "2026-01-02T02:04:05Z");
  CHECK(Again("2026-01-02T03:04") == "2026-01-02T03:04:00Z");
  CHECK(Again("2026-01-02") == "2026-01-02T00:00:00Z");
  CHECK(Again("1969-12-31T23:59:59.999999Z") == "1969-12-31T23:59:59.999999Z");
  CHECK(Again("0000-02-29") == "0000-02-29T00:00:00Z");
  CHECK(Again("-000001-01-01") == "-000001-01-01T00:00:00Z");
  for (const char* bad :
       {"", "2026", "2026-13-01", "2026-02-29", "2026-01-32", "2026-01-02T24:00:00",
        "2026-01-02T03:60:00", "2026-01-02T03:04:61", "2026-01-02T03:04:05.", "2026-01-02T",
        "2026-01-02T03:04:05.1234567890Z", "2026-01-02T03:04:05 Z", "2026-01-02T03:04:05ZZ",
        "2026-01-02T03:04:05+25:00", "2026-1-2", " 2026-01-02", "999999-01-01"}) {
    INFO(bad);
    CHECK(Again(bad) == "no");
  }
}

TEST_CASE("times go to text and back, and no bytes break the reader") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20000; i++) {
    const EventTime time{i % 2 == 0 ? static_cast<int64_t>(random())
                                    : static_cast<int64_t>(random() % 4000000000000000)};
    const std::string text = FormatIso8601(time);
    INFO(text);
    REQUIRE(ParseTime(text) == time);
    std::string broken = text;
    broken[random() % broken.size()] = static_cast<char>(random());
    if (const auto other = ParseTime(broken)) REQUIRE(ParseTime(FormatIso8601(*other)) == other);
  }
  CHECK(FormatIso8601({INT64_MIN}) == "-290308-12-21T19:59:05.224192Z");
}

TEST_CASE("days and dates, day by day over 800 years") {
  int64_t year = 1600;
  int month = 1;
  int day = 1;
  for (int64_t days = DaysFromCivil(1600, 1, 1); year < 2400; days++) {
    REQUIRE(DaysFromCivil(year, month, day) == days);
    std::string text;
    AppendIsoDate(text, days);
    REQUIRE(ParseDate(text) == days);
    if (++day > DaysInMonth(year, month)) {
      day = 1;
      if (++month > 12) {
        month = 1;
        year++;
      }
    }
  }
}

std::shared_ptr<const TimeZone> Zone(std::string_view name) {
  Result<std::shared_ptr<const TimeZone>> zone = TimeZone::Find(name);
  REQUIRE(zone.ok());
  return *zone;
}

TEST_CASE("zones by name, also beyond their last transition") {
  const auto zurich = Zone("Europe/Zurich");
  const auto offset = [&](std::string_view text) { return zurich->OffsetAt(*ParseTime(text)); };
  CHECK(offset("2026-03-29T00:59:59Z") == 3600);
  CHECK(offset("2026-03-29T01:00:00Z") == 7200);
  CHECK(offset("2026-10-25T00:59:59Z") == 7200);
  CHECK(offset("2026-10-25T01:00:00Z") == 3600);
  CHECK(offset("2126-07-01T00:00:00Z") == 7200);
  CHECK(offset("2126-12-01T00:00:00Z") == 3600);
  CHECK(offset("2126-03-31T00:59:59Z") == 3600);
  CHECK(offset("2126-03-31T01:00:00Z") == 7200);
  CHECK(Zone("America/New_York")->OffsetAt(*ParseTime("2100-11-07T05:59:59Z")) == -14400);
  CHECK(Zone("America/New_York")->OffsetAt(*ParseTime("2100-11-07T06:00:00Z")) == -18000);
  CHECK(Zone("Australia/Sydney")->OffsetAt(*ParseTime("2100-01-01T00:00:00Z")) == 39600);
  CHECK(Zone("Asia/Tokyo")->OffsetAt(*ParseTime("2100-01-01T00:00:00Z")) == 32400);
  CHECK(Zone("-03:30")->OffsetAt({0}) == -12600);
  CHECK(Zone("UTC")->IsUtc());
  CHECK_FALSE(Zone("Europe/London")->IsUtc());

  CHECK(Again("2026-07-01T12:00:00", zurich.get()) == "2026-07-01T10:00:00Z");
  CHECK(Again("2026-07-01T12:00:00Z", zurich.get()) == "2026-07-01T12:00:00Z");
  CHECK(Again("2026-03-29T02:30:00", zurich.get()) == "2026-03-29T01:30:00Z");
  CHECK(Again("2026-10-25T02:30:00", zurich.get()) == "2026-10-25T00:30:00Z");
}

TEST_CASE("names that are no zones are refused") {
  for (const char* bad : {"", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe",
                          "Europe/Zurich\n", "+25:00", "tzdata.zi", "a..b"}) {
    INFO(bad);
    CHECK_FALSE(TimeZone::Find(bad).ok());
  }
}

TEST_CASE("damaged zone files are refused or read, never more") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  // Version 2, no transitions in the old block, one in the new one, CET rules behind it.
  const auto block = [](int width, size_t times, std::string_view version) {
    std::string bytes = "TZif" + std::string(version) + std::string(15, '\0');
    for (const size_t n : {size_t{0}, size_t{0}, size_t{0}, times, size_t{2}, size_t{8}}) {
      bytes += std::string(3, '\0') + static_cast<char>(n);
    }
    for (size_t i = 0; i < times; i++) bytes += std::string(static_cast<size_t>(width), '\1');
    bytes += std::string(times, '\1');
    bytes += std::string("\0\0\x0e\x10\0\0", 6) + std::string("\0\0\x1c\x20\1\4", 6);
    return bytes + std::string("CET\0CEST", 8);
  };
  const std::string good = block(4, 0, "2") + block(8, 1, "2") + "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
  REQUIRE(TimeZone::FromTzif(good));
  CHECK(TimeZone::FromTzif(good)->OffsetAt({0}) == 3600);
  CHECK_FALSE(TimeZone::FromTzif("TZif"));
  CHECK_FALSE(TimeZone::FromTzif(""));
  for (int i = 0; i < 20000; i++) {
    std::string bytes = good.substr(0, random() % 4 == 0 ? random() % good.size() : good.size());
    for (size_t n = random() % 4; n > 0 && !bytes.empty(); n--) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (const auto zone = TimeZone::FromTzif(bytes)) {
      const int64_t time = static_cast<int64_t>(random()) * 1000003 * (random() % 4000);
      zone->OffsetAt({time});
      zone->ToTime({2026, 3, 29, 2, 30, 0, 0});
    }
  }
}

TEST_CASE("layouts write and read") {
  const auto utc = Zone("UTC");
  const auto zurich = Zone("Europe/Zurich");
  const EventTime time = *ParseTime("2026-07-02T13:04:05.678901Z");
  const auto written = [&](std::string_view layout, const TimeZone& zone) {
    const Result<TimeLayout> parsed = TimeLayout::Parse(layout);
    REQUIRE(parsed.ok());
    std::string text;
    parsed->Append(text, time, zone);
    return text;
  };
  CHECK(written("%Y-%m-%d", *utc) == "2026-07-02");
  CHECK(written("%H", *zurich) == "15");
  CHECK(written("%d/%b/%Y:%T %z", *zurich) == "02/Jul/2026:15:04:05 +0200");
  CHECK(written("%a %e %B %y, %I:%M %p", *utc) == "Thu  2 July 26, 01:04 PM");
  CHECK(written("%j %L %f %s 100%%", *utc) == "183 678 678901 1782997445 100%");
  for (const char* layout : {"%Y-%m-%dT%H:%M:%S.%f", "%d/%b/%Y:%T.%f %z", "%s %f", "%Y %j %T,%f",
                             "%A %d %B %Y %I:%M:%S.%f %p"}) {
    INFO(layout);
    const std::string text = written(layout, *zurich);
    INFO(text);
    CHECK(TimeLayout::Parse(layout)->Read(text, *zurich) == time);
    CHECK_FALSE(TimeLayout::Parse(layout)->Read(text + "x", *zurich));
    CHECK_FALSE(TimeLayout::Parse(layout)->Read("x", *zurich));
  }
  for (const char* bad : {"", "yyyy-MM-dd", "%", "%Q", "abc", "%%"}) {
    INFO(bad);
    CHECK_FALSE(TimeLayout::Parse(bad).ok());
  }
  CHECK_FALSE(TimeLayout::Parse(std::string(500, 'a') + "%Y").ok());
}

}  // namespace
}  // namespace weir
