#include "config/values.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "config/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

TEST_CASE("durations, sizes, rates and numbers are read as the language writes them") {
  CHECK(*ParseDuration("250ms") == Duration::Millis(250));
  CHECK(*ParseDuration("10s") == Duration::Seconds(10));
  CHECK(*ParseDuration("5m") == Duration::Minutes(5));
  CHECK(*ParseDuration("1h30m") == Duration::Minutes(90));
  CHECK(*ParseDuration("7d") == Duration::Hours(168));
  CHECK(*ParseDuration("0s") == Duration());
  CHECK(*ParseDuration("0") == Duration());
  CHECK(*ParseDurationRange("50ms..550ms") ==
        DurationRange{Duration::Millis(50), Duration::Millis(550)});
  CHECK(*ParseDurationRange("2s") == DurationRange{Duration::Seconds(2), Duration::Seconds(2)});
  CHECK(*ParseDurationRange("none") == DurationRange{});
  CHECK(*ParseByteSize("512") == ByteSize{512});
  CHECK(*ParseByteSize("64KiB") == ByteSize::KiB(64));
  CHECK(*ParseByteSize("128MiB") == ByteSize::MiB(128));
  CHECK(*ParseByteSize("1GiB") == ByteSize::GiB(1));
  CHECK(ParseRate("20000/s")->per_second == 20000);
  CHECK(ParseRate("0.5/s")->per_second == 0.5);
  CHECK(ParseRate("30/m")->per_second == 0.5);
  CHECK(*ParseInteger("-9223372036854775808") == INT64_MIN);
  CHECK(*ParseInteger("0") == 0);
  CHECK(*ParseDouble("-0.25") == -0.25);
  CHECK(*ParseDouble("1e3") == 1000);
}

TEST_CASE("what is no duration, size, rate or number is refused") {
  for (const char* text : {"", "s", "10", "1.5s", "-1s", "+1s", "10 s", "1s ", "10S", "1w", "1s1",
                           "5mm", "9223372036854775807s", "99999999999999999999d",
                           "9000000000000000ms9000000000000000ms", "0x1s", "1e3s"}) {
    INFO(text);
    CHECK_FALSE(ParseDuration(text).ok());
  }
  for (const char* text : {"", "..", "1s..", "..1s", "2s..1s", "1s...2s", "None", "1s..2s..3s"}) {
    INFO(text);
    CHECK_FALSE(ParseDurationRange(text).ok());
  }
  for (const char* text : {"", "KiB", "64KB", "64kib", "-1", "1.5MiB", "64 KiB",
                           "9223372036854775807KiB", "16777216TiB"}) {
    INFO(text);
    CHECK_FALSE(ParseByteSize(text).ok());
  }
  for (const char* text : {"", "1", "/s", "1/", "1/d", "-1/s", "1/s/s", "inf/s", "nan/s", "01/s"}) {
    INFO(text);
    CHECK_FALSE(ParseRate(text).ok());
  }
  for (const char* text : {"", "-", "1_000", "0x10", "1e3", "1.0", " 1", "+1",
                           "9223372036854775808", "99999999999999999999999"}) {
    INFO(text);
    CHECK(ParseInteger(text).status().Is(errors::kBadValue));
  }
  CHECK(ParseInteger("010").status().Is(errors::kYamlTrap));
  CHECK(ParseDouble("010").status().message().find("'010'") != std::string::npos);
  for (const char* text : {"", "-", ".5", "1e999", "nan", "inf", "0x1p3", "1.5x"}) {
    INFO(text);
    CHECK_FALSE(ParseDouble(text).ok());
  }
}

TEST_CASE("what is shown is read back as the same value") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20000; ++i) {
    const int64_t bits = static_cast<int64_t>(random() >> (random() % 63 + 1));
    const Duration duration = Duration::Millis(bits / 2000);
    CHECK(*ParseDuration(ToText(duration)) == duration);
    const DurationRange range{duration, {duration.us + static_cast<int64_t>(random() % 5) * 1000}};
    CHECK(*ParseDurationRange(ToText(range)) == range);
    CHECK(*ParseByteSize(ToText(ByteSize{bits})) == ByteSize{bits});
    const int exponent = static_cast<int>(random() % 80) - 60;
    const double number = std::ldexp(static_cast<double>(bits), exponent);
    CHECK(*ParseDouble(ToText(number)) == number);
  }
  CHECK(ToText(Duration::Minutes(90)) == "90m");
  CHECK(ToText(Duration::Hours(48)) == "2d");
  CHECK(ToText(ByteSize::MiB(1536)) == "1536MiB");
}

TEST_CASE("secrets are read where the job says, at the moment they are needed") {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("weir_secret_" + std::to_string(std::random_device{}()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "key") << "s3cret\n\n";
  setenv("WEIR_CONFIG_TEST_SECRET", "from the environment", 1);
  CHECK_FALSE(Secret().given());
  CHECK(*Secret(Secret::From::kEnvironment, "WEIR_CONFIG_TEST_SECRET").Resolve("") ==
        "from the environment");
  CHECK(*Secret(Secret::From::kFile, "key").Resolve(folder.string()) == "s3cret\n");
  CHECK(*Secret(Secret::From::kFile, (folder / "key").string()).Resolve("/elsewhere") ==
        "s3cret\n");
  CHECK(Secret(Secret::From::kFile, "none")
            .Resolve(folder.string())
            .status()
            .Is(errors::kSecretMissing));
  CHECK(Secret(Secret::From::kFile, ".")
            .Resolve(folder.string())
            .status()
            .Is(errors::kSecretMissing));
  CHECK(Secret(Secret::From::kEnvironment, "WEIR_NOT_SET")
            .Resolve("")
            .status()
            .Is(errors::kSecretMissing));
  CHECK(Secret(Secret::From::kSecretsManager, "x").Resolve("").status().Is(errors::kSecretMissing));
  std::ofstream(folder / "large") << std::string((1 << 20) + 1, 'x');
  CHECK_FALSE(Secret(Secret::From::kFile, "large").Resolve(folder.string()).ok());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace weir
