#include "daemon/security/certificates.h"

#include "daemon/security/certificate_roles.h"
#include "daemon/security/errors.h"
#include "daemon/security/peer_check.h"
#include "daemon/security/testing.h"
#include "tests/catch.h"

namespace weir {
namespace {

using testing::Certificates;

constexpr int64_t kDayUs = 86'400'000'000;
const EventTime kNow{1'800'000'000'000'000};

TEST_CASE("a certificate holds what it was asked for") {
  const CertifiedKey authority = MakeAuthority("ours", 100, kNow).value();
  const Result<CertifiedKey> made =
      Issue(authority, {"w1", PeerRole::kWorker, {"w1.example", "10.0.0.5", "::1"}, 99}, kNow);
  REQUIRE(made.ok());
  const std::vector<Owned<X509>> certificates = CertificatesIn(made->certificate);
  REQUIRE(certificates.size() == 1);
  X509& certificate = *certificates[0];
  CHECK(HasRole(certificate, PeerRole::kWorker));
  CHECK_FALSE(HasRole(certificate, PeerRole::kManager));
  CHECK(RolesOf(certificate) == "worker");
  CHECK(EndOf(certificate) == EventTime{kNow.us + 99 * kDayUs});
  CHECK(X509_check_host(&certificate, "w1.example", 0, 0, nullptr) == 1);
  CHECK(X509_check_ip_asc(&certificate, "10.0.0.5", 0) == 1);
  CHECK(X509_check_ip_asc(&certificate, "10.0.0.6", 0) == 0);
  CHECK(X509_check_private_key(&certificate, KeyIn(made->key).get()) == 1);
  CHECK(X509_check_ca(&certificate) == 0);
  CHECK(DescribeCertificate(certificate).find("w1, serial ") != std::string::npos);
}

TEST_CASE("certificates that make no sense are not made") {
  const CertifiedKey authority = MakeAuthority("ours", 10, kNow).value();
  const auto refused = [&](const IssueRequest& request) {
    const Result<CertifiedKey> made = Issue(authority, request, kNow);
    REQUIRE_FALSE(made.ok());
    return made.status().code().id;
  };
  const PeerRole role = PeerRole::kWorker;
  for (const char* name : {"", "../w1", ".w1", "-w1", "w 1", "w/1"}) {
    CHECK(refused({name, role, {}, 5}) == errors::kBadNaming.id);
  }
  for (const char* host : {"", "a b", "a,DNS:b", "http://a", "a\nb", "*.example"}) {
    CHECK(refused({"w1", role, {host}, 5}) == errors::kBadNaming.id);
  }
  CHECK(refused({"w1", role, {}, 0}) == errors::kBadNaming.id);
  CHECK(refused({"w1", role, {}, 4000}) == errors::kBadNaming.id);
  CHECK(refused({"w1", role, {}, 11}) == errors::kBadAuthority.id);
  const CertifiedKey other = MakeAuthority("other", 10, kNow).value();
  const IssueRequest fine{"w1", role, {}, 5};
  CHECK(Issue({authority.certificate, other.key}, fine, kNow).status().Is(errors::kBadAuthority));
  CHECK(Issue({"", ""}, fine, kNow).status().Is(errors::kBadAuthority));
  CHECK(MakeAuthority("a b", 10, kNow).status().Is(errors::kBadNaming));
}

TEST_CASE("who dials is judged by authority, time and role") {
  Certificates certificates;
  const TlsFiles files = certificates.Make("ours", PeerRole::kWorker);
  const auto check = PeerCheck::Open(files.ca).value();
  const auto verdict = [&](const TlsFiles& shown) {
    const auto identity = ReadIdentity(shown.certificate, shown.key).value();
    return check->Judge(identity->certificate.get(), {}, PeerRole::kWorker).refusal;
  };
  const EventTime now = SystemClock().Now();
  CHECK_FALSE(verdict(files));
  CHECK(check->Judge(nullptr, {}, PeerRole::kWorker).refusal == Refusal::kNoCertificate);
  CHECK(verdict(certificates.Make("other", PeerRole::kWorker)) == Refusal::kNotTrusted);
  CHECK(verdict(certificates.Make("ours", PeerRole::kClient)) == Refusal::kWrongRole);
  const EventTime before{now.us - 10 * kDayUs};
  CHECK(verdict(certificates.Make("ours", PeerRole::kWorker, "127.0.0.1", before)) ==
        Refusal::kExpired);
  const EventTime later{now.us + 10 * kDayUs};
  CHECK(verdict(certificates.Make("ours", PeerRole::kWorker, "127.0.0.1", later)) ==
        Refusal::kExpired);
  // Signed by itself, although it says to be of the authority's name.
  CHECK(verdict(certificates.Keep("ours", "self", MakeAuthority("ours", 10, now).value())) ==
        Refusal::kNotTrusted);
  // A worker must not vouch for others.
  const CertifiedKey worker =
      Issue(certificates.Authority("ours"), {"w", PeerRole::kWorker, {}, 5}, now).value();
  const CertifiedKey forged = Issue(worker, {"forged", PeerRole::kWorker, {}, 2}, now).value();
  const auto leaf = CertificatesIn(forged.certificate);
  const auto signer = CertificatesIn(worker.certificate);
  CHECK(check->Judge(leaf[0].get(), {signer[0].get()}, PeerRole::kWorker).refusal ==
        Refusal::kNotTrusted);
}

TEST_CASE("an authority that comes to be believed is, without a new start") {
  Certificates certificates;
  const TlsFiles ours = certificates.Make("ours", PeerRole::kWorker);
  const TlsFiles other = certificates.Make("other", PeerRole::kWorker);
  const std::string believed =
      certificates.Write("believed.pem", certificates.Authority("ours").certificate);
  const auto check = PeerCheck::Open(believed).value();
  const auto identity = ReadIdentity(other.certificate, other.key).value();
  const auto judge = [&] {
    return check->Judge(identity->certificate.get(), {}, PeerRole::kWorker).refusal;
  };
  CHECK(judge() == Refusal::kNotTrusted);
  certificates.Write("believed.pem", certificates.Authority("ours").certificate +
                                         certificates.Authority("other").certificate);
  CHECK_FALSE(judge());
  certificates.Write("believed.pem", "nonsense");  // What it said before counts.
  CHECK_FALSE(judge());
  certificates.Write("believed.pem", certificates.Authority("ours").certificate);
  CHECK(judge() == Refusal::kNotTrusted);
}

TEST_CASE("a process's own certificate must be one for it") {
  Certificates certificates;
  const EventTime now = SystemClock().Now();
  const TlsFiles worker = certificates.Make("ours", PeerRole::kWorker);
  CHECK(CheckTlsFiles(worker, PeerRole::kWorker, now).ok());
  CHECK(CheckTlsFiles(worker, PeerRole::kManager, now).Is(errors::kWrongOwnCertificate));
  const EventTime later{now.us + 10 * kDayUs};
  CHECK(CheckTlsFiles(worker, PeerRole::kWorker, later).Is(errors::kWrongOwnCertificate));
}

}  // namespace
}  // namespace weir
