#include "config/store_location.h"

#include "config/process_spec.h"
#include "config/testing/words.h"
#include "tests/catch.h"

namespace weir {
namespace {

/// `checkpoint_store` of a process's file; faults go to `diagnostics`.
std::optional<StoreLocation> Read(const std::string& value, Diagnostics& diagnostics) {
  return ReadProcess(ReadYaml("weir.yaml", "checkpoint_store: " + value, {{}, false}, diagnostics),
                     testing::Words(), diagnostics)
      .checkpoint_store;
}

StoreLocation ReadGood(const std::string& value) {
  Diagnostics diagnostics;
  const auto location = Read(value, diagnostics);
  INFO(diagnostics.Render());
  REQUIRE_FALSE(diagnostics.has_errors());
  REQUIRE(location.has_value());
  return *location;
}

std::string Fault(const std::string& value) {
  Diagnostics diagnostics;
  (void)Read(value, diagnostics);
  INFO(value);
  REQUIRE(diagnostics.items().size() == 1);
  return diagnostics.items()[0].message;
}

TEST_CASE("a store is a directory or a bucket") {
  CHECK(ReadGood("/var/lib/weir/").path() == "/var/lib/weir");
  CHECK(ReadGood("file:/mnt/shared").path() == "/mnt/shared");
  CHECK(ReadGood("{ url: /x }").path() == "/x");
  CHECK_FALSE(ReadGood("/x").is_s3());
  const StoreLocation plain = ReadGood("s3://some.bucket-1");
  CHECK(plain.is_s3());
  CHECK(plain.bucket() == "some.bucket-1");
  CHECK(plain.prefix() == "");
  CHECK(plain.timeout == Duration::Seconds(10));
  CHECK_FALSE(plain.path_style.has_value());
  const StoreLocation full = ReadGood(
      "{ url: s3://bucket/a/b, endpoint: 'https://minio:9000', region: eu-west-1, path_style: "
      "false,"
      " access_key: { env: A }, secret_key: { file: b }, encryption: 'aws:kms', kms_key: k,"
      " ca_file: ca.pem, timeout: 3s }");
  CHECK(full.bucket() == "bucket");
  CHECK(full.prefix() == "a/b/");
  CHECK(full.path_style == false);
  CHECK(full.secret_key.name() == "b");
  CHECK(full.encryption == StoreEncryption::kKms);
  CHECK(StoreLocation::Directory("relative/dir").path() == "relative/dir");
  Diagnostics none;
  CHECK_FALSE(ReadProcess(ReadYaml("weir.yaml", "{}", {{}, false}, none), testing::Words(), none)
                  .checkpoint_store.has_value());
}

TEST_CASE("what cannot be a store is told") {
  for (const char* url : {"relative", "http://x/y", "s3://", "s3://x", "s3://Bucket/p",
                          "s3:/bucket", "s3://bucket//p", "s3://bucket/a/../b", "file:relative"}) {
    CHECK(Fault(url).find("must be /path, file:/path or s3://bucket/prefix") != std::string::npos);
  }
  CHECK(Fault("{ url: /x, region: eu }").find("no other options") != std::string::npos);
  CHECK(Fault("{ url: s3://bucket, access_key: { env: A } }").find("go together") !=
        std::string::npos);
  CHECK(Fault("{ url: s3://bucket, session_token: { env: A } }").find("goes with") !=
        std::string::npos);
  CHECK(Fault("{ url: s3://bucket, kms_key: k }").find("no effect") != std::string::npos);
  CHECK(Fault("{ url: s3://bucket, profile: p, access_key: { env: A }, secret_key: { env: B } }")
            .find("keys come from") != std::string::npos);
  CHECK(Fault("{ region: eu }").find("needs the key 'url'") != std::string::npos);
  CHECK(Fault("{ url: s3://bucket, timeout: 10ms }").find("between") != std::string::npos);
}

}  // namespace
}  // namespace weir
