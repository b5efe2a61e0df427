#include "clients/aws_profile.h"

#include "clients/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

using Begin = AwsProfilePlan::Begin;

AwsProfilePlan PlanOf(const std::string& name, const std::string& config,
                      const std::string& credentials = "") {
  const auto planned = PlanAwsProfile(name, ParseAwsProfiles(credentials, config));
  if (!planned.ok()) FAIL(planned.status().ToString());
  REQUIRE(planned->has_value());
  return **planned;
}

std::string FaultOf(const std::string& name, const std::string& config) {
  const auto planned = PlanAwsProfile(name, ParseAwsProfiles("", config));
  REQUIRE_FALSE(planned.ok());
  CHECK(planned.status().Is(errors::kNoCredentials));
  CHECK(planned.status().ToString().find("HUSH") == std::string::npos);
  return planned.status().ToString();
}

constexpr const char* kCredentials =
    "# comment\n[default]\naws_access_key_id = AKID1\naws_secret_access_key=HUSH1\n"
    "s3 =\n  aws_access_key_id = nested\n"
    "[ night ]\r\naws_access_key_id=AKID2\r\naws_secret_access_key = HUSH=2/+\r\n"
    "aws_session_token = TOKEN2\r\n";

TEST_CASE("profiles are read from both files") {
  const AwsProfiles profiles = ParseAwsProfiles(
      kCredentials,
      "[default]\nregion = eu-north-1\naws_access_key_id = later\n[profile  night]\nregion=x\n"
      "[sso-session night]\nsso_region = no\n[services night]\nregion = no\n");
  REQUIRE(profiles.size() == 2);
  CHECK(profiles.at("default").at("aws_access_key_id") == "AKID1");
  CHECK(profiles.at("default").at("region") == "eu-north-1");
  CHECK(profiles.at("night").at("aws_secret_access_key") == "HUSH=2/+");
  CHECK(profiles.at("night").at("region") == "x");
  CHECK_FALSE(profiles.at("night").contains("sso_region"));
  CHECK(ParseAwsProfiles("", "").empty());
  CHECK(ParseAwsProfiles("[", "[profile\n[]\n=\na=b").at("").empty());
}

TEST_CASE("a plain profile is its keys") {
  const AwsProfilePlan plan = PlanOf("night", "", kCredentials);
  CHECK(plan.begin == Begin::kKeys);
  CHECK(plan.keys == AwsCredentials{"AKID2", "HUSH=2/+", "TOKEN2"});
  CHECK(plan.roles.empty());
  CHECK_FALSE(PlanAwsProfile("nobody", ParseAwsProfiles(kCredentials, ""))->has_value());
  CHECK_FALSE(PlanAwsProfile("a", ParseAwsProfiles("", "[profile a]\nregion=x"))->has_value());
}

TEST_CASE("roles are taken on one after the other") {
  const AwsProfilePlan plan =
      PlanOf("outer",
             "[profile outer]\nrole_arn = arn:outer\nsource_profile = inner\n"
             "external_id = ticket\nrole_session_name = me\n"
             "[profile inner]\nrole_arn = arn:inner\nsource_profile = night\n",
             kCredentials);
  CHECK(plan.keys.access_key == "AKID2");
  REQUIRE(plan.roles.size() == 2);
  CHECK(plan.roles[0].arn == "arn:inner");
  CHECK(plan.roles[0].session_name == "weir");
  CHECK(plan.roles[1].arn == "arn:outer");
  CHECK(plan.roles[1].session_name == "me");
  CHECK(plan.roles[1].external_id == "ticket");
  // With the plain keys of the very profile.
  const AwsProfilePlan own = PlanOf("own",
                                    "[profile own]\nrole_arn = arn:x\nsource_profile = own\n"
                                    "aws_access_key_id = AKID5\naws_secret_access_key = HUSH5\n");
  CHECK(own.keys.access_key == "AKID5");
  CHECK(own.roles.size() == 1);
}

TEST_CASE("roles can begin with what machines and containers are given") {
  for (const auto& [source, begin] :
       std::map<std::string, Begin>{{"credential_source = Environment", Begin::kEnvironment},
                                    {"credential_source = Ec2InstanceMetadata", Begin::kMachine},
                                    {"credential_source = EcsContainer", Begin::kContainer},
                                    {"web_identity_token_file = /token", Begin::kWebIdentity}}) {
    const AwsProfilePlan plan = PlanOf("a", "[profile a]\nrole_arn = arn:x\n" + source);
    CHECK(plan.begin == begin);
    CHECK(plan.roles.size() == 1);
    CHECK(plan.token_file == (begin == Begin::kWebIdentity ? "/token" : ""));
  }
}

TEST_CASE("profiles that lead nowhere are told") {
  CHECK(FaultOf("a",
                "[profile a]\nrole_arn=x\nsource_profile=b\n[profile b]\nrole_arn=y\n"
                "source_profile=c\n[profile c]\nrole_arn=z\nsource_profile=a\n")
            .find("a -> b -> c -> a") != std::string::npos);
  CHECK(FaultOf("a", "[profile a]\nrole_arn=x\nsource_profile=b\n").find("'b', which holds none") !=
        std::string::npos);
  CHECK(FaultOf("a", "[profile a]\nrole_arn=x\n").find("source_profile") != std::string::npos);
  CHECK(FaultOf("a", "[profile a]\nrole_arn=x\ncredential_source=Moon\n").find("EcsContainer") !=
        std::string::npos);
  CHECK(FaultOf("a", "[profile a]\nrole_arn=x\nsource_profile=a\nmfa_serial=m\n")
            .find("second factor") != std::string::npos);
  CHECK(FaultOf("a", "[profile a]\nsso_session=corp\n").find("export-credentials --profile a") !=
        std::string::npos);
  CHECK(FaultOf("a", "[profile a]\ncredential_process=/bin/x\n").find("credential_process") !=
        std::string::npos);
  CHECK(FaultOf("a", "[profile a]\naws_secret_access_key=HUSH\n").find("one half") !=
        std::string::npos);
}

}  // namespace
}  // namespace weir
