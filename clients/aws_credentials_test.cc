#include "clients/aws_credentials.h"

#include <filesystem>
#include <fstream>
#include <map>

#include "base/ids.h"
#include "clients/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

/// A home with AWS's two files, and an environment of its own.
class Home {
 public:
  Home() : path_(std::filesystem::temp_directory_path() / ("weir-home-" + RandomId())) {
    std::filesystem::create_directories(path_ / ".aws");
    environment["HOME"] = path_.string();
  }
  ~Home() { std::filesystem::remove_all(path_); }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(path_ / ".aws" / name) << text;
  }
  Result<AwsCredentials> Find(const std::string& profile = "") const {
    return FindAwsCredentials(profile, Lookup());
  }
  VariableLookup Lookup() const {
    return [this](const std::string& name) {
      const auto at = environment.find(name);
      return at == environment.end() ? std::optional<std::string>() : at->second;
    };
  }
  std::map<std::string, std::string> environment;

 private:
  const std::filesystem::path path_;
};

/// The error, which must hold no part of any key.
Status Refused(const Result<AwsCredentials>& found) {
  REQUIRE_FALSE(found.ok());
  CHECK(found.status().Is(errors::kNoCredentials));
  CHECK(found.status().ToString().find("HUSH") == std::string::npos);
  return found.status();
}

TEST_CASE("keys come from the environment, or from a profile") {
  Home home;
  home.Write("credentials",
             "# comment\n[default]\naws_access_key_id = AKID1\naws_secret_access_key=HUSH1\n"
             "s3 =\n  aws_access_key_id = nested\n"
             "[ night ]\r\naws_access_key_id=AKID2\r\naws_secret_access_key = HUSH=2/+\r\n"
             "aws_session_token = TOKEN2\r\n");
  home.Write("config",
             "[default]\nregion = eu-north-1\n[profile night]\nregion=eu-west-3\n"
             "[profile split]\naws_access_key_id = AKID3\naws_secret_access_key = HUSH3\n");
  CHECK(*home.Find() == AwsCredentials{"AKID1", "HUSH1", ""});
  CHECK(*home.Find("night") == AwsCredentials{"AKID2", "HUSH=2/+", "TOKEN2"});
  CHECK(*home.Find("split") == AwsCredentials{"AKID3", "HUSH3", ""});
  CHECK(FindAwsRegion("", home.Lookup()) == "eu-north-1");
  CHECK(FindAwsRegion("night", home.Lookup()) == "eu-west-3");
  home.environment["AWS_PROFILE"] = "night";
  CHECK(home.Find()->access_key == "AKID2");
  home.environment["AWS_ACCESS_KEY_ID"] = "AKID4";
  CHECK(Refused(home.Find()).message().find("other half") != std::string::npos);
  home.environment["AWS_SECRET_ACCESS_KEY"] = "HUSH4";
  home.environment["AWS_SESSION_TOKEN"] = "TOKEN4";
  CHECK(*home.Find() == AwsCredentials{"AKID4", "HUSH4", "TOKEN4"});
  // One that is named goes before the environment.
  CHECK(home.Find("split")->access_key == "AKID3");
  home.environment["AWS_REGION"] = "sa-east-1";
  CHECK(FindAwsRegion("night", home.Lookup()) == "sa-east-1");
}

TEST_CASE("what holds no plain keys is named") {
  Home home;
  const Status none = Refused(home.Find());
  CHECK(none.message().find("no profile 'default'") != std::string::npos);
  home.Write("config",
             "[profile role]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = default\n"
             "aws_access_key_id = AKID\naws_secret_access_key = HUSH\n"
             "[profile sso]\nsso_session = corp\n[profile program]\ncredential_process = /bin/x\n"
             "[profile half]\naws_secret_access_key = HUSH\n[profile empty]\nregion = x\n");
  CHECK(Refused(home.Find("role")).message().find("role_arn") != std::string::npos);
  CHECK(Refused(home.Find("sso")).message().find("sso_session") != std::string::npos);
  CHECK(Refused(home.Find("program")).message().find("credential_process") != std::string::npos);
  CHECK(Refused(home.Find("half")).message().find("one half") != std::string::npos);
  CHECK(Refused(home.Find("empty")).message().find("holds no keys") != std::string::npos);
  home.environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/var/run/token";
  CHECK(Refused(home.Find()).message().find("AWS_WEB_IDENTITY_TOKEN_FILE") != std::string::npos);
  CHECK_FALSE(FindAwsRegion("", home.Lookup()).has_value());
}

}  // namespace
}  // namespace weir
