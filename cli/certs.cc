#include <sys/stat.h>

#include <filesystem>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "batch/time_text.h"
#include "cli/command.h"
#include "daemon/security/certificates.h"
#include "daemon/security/errors.h"
#include "daemon/security/watched_files.h"
#include "state/files.h"

namespace weir {
namespace {

using errors::kCantKeepFile;

constexpr uint64_t kMostFileBytes = 1 << 20;

/// While it is there, new files are for their owner alone.
class ForOwnerOnly {
 public:
  ForOwnerOnly() : before_(::umask(077)) {}
  ~ForOwnerOnly() { ::umask(before_); }

 private:
  const mode_t before_;
};

struct InitArguments {
  std::string folder;
  std::string name = "weir";
  int days = kMostDays;
};

struct IssueArguments {
  IssueRequest request;
  std::string role;
  std::string ca;
  std::string out;
};

Status Init(const InitArguments& arguments) {
  const std::string certificate = arguments.folder + "/ca.pem";
  const std::string key = arguments.folder + "/ca.key";
  for (const std::string& path : {certificate, key}) {
    if (std::filesystem::exists(path)) {
      return Status(errors::kAuthorityThere,
                    fmt::format("{} is there already, and is never overwritten", path),
                    "choose another folder; to begin anew, move the old files away, and issue all "
                    "certificates again");
    }
  }
  const CertifiedKey made =
      WEIR_TRY(MakeAuthority(arguments.name, arguments.days, SystemClock().Now()));
  WEIR_TRY(files::MakeDirectories(kCantKeepFile, arguments.folder));
  {
    const ForOwnerOnly secret;
    WEIR_TRY(files::WriteNew(kCantKeepFile, key, made.key));
  }
  WEIR_TRY(files::WriteNew(kCantKeepFile, certificate, made.certificate));
  WEIR_TRY(files::SyncDirectory(kCantKeepFile, arguments.folder));
  fmt::print("{}  the authority's certificate: each process gets it\n", certificate);
  fmt::print("{}  its key: who has it can be anybody in the cluster; keep it elsewhere\n", key);
  return Status::Ok();
}

Status IssueOne(IssueArguments arguments) {
  arguments.request.role = *PeerRoleNamed(arguments.role);
  if (arguments.request.hosts.empty() && arguments.request.role != PeerRole::kClient) {
    arguments.request.hosts = {arguments.request.name, "localhost", "127.0.0.1", "::1"};
  }
  const std::string authority_key = arguments.ca + "/ca.key";
  WEIR_TRY(CheckPrivate(authority_key));
  const CertifiedKey authority = {
      WEIR_TRY(files::Read(kCantKeepFile, arguments.ca + "/ca.pem", kMostFileBytes)),
      WEIR_TRY(files::Read(kCantKeepFile, authority_key, kMostFileBytes))};
  const EventTime now = SystemClock().Now();
  const CertifiedKey made = WEIR_TRY(Issue(authority, arguments.request, now));

  const std::string ca = arguments.out + "/ca.pem";
  const std::string stem = arguments.out + "/" + arguments.request.name;
  WEIR_TRY(files::MakeDirectories(kCantKeepFile, arguments.out));
  // One that is there may name a second authority, while the first one is being replaced.
  if (!std::filesystem::exists(ca)) {
    WEIR_TRY(files::WriteNew(kCantKeepFile, ca, authority.certificate));
  }
  {
    const ForOwnerOnly secret;
    WEIR_TRY(files::Replace(kCantKeepFile, stem + ".key", made.key));
  }
  WEIR_TRY(files::Replace(kCantKeepFile, stem + ".pem", made.certificate));
  std::string hosts;
  for (const std::string& host : arguments.request.hosts) {
    hosts += (hosts.empty() ? ", at " : ", ") + host;
  }
  fmt::print("# {} {}, for {} days{}\n", arguments.role, arguments.request.name,
             arguments.request.days, hosts);
  fmt::print("tls: {{ ca: {}, certificate: {}.pem, key: {}.key }}\n", ca, stem, stem);
  return Status::Ok();
}

}  // namespace

std::function<int()> AddCerts(CLI::App& app) {
  auto authority = std::make_shared<InitArguments>();
  auto issued = std::make_shared<IssueArguments>();
  app.require_subcommand(1);
  CLI::App* init = app.add_subcommand("init", "Make an authority: ca.pem and ca.key.");
  init->add_option("folder", authority->folder, "Where.")->required()->type_name("DIR");
  init->add_option("--name", authority->name, "What it is called.")->capture_default_str();
  init->add_option("--days", authority->days, "How long it counts.")->capture_default_str();
  CLI::App* issue =
      app.add_subcommand("issue", "Make a certificate that the authority vouches for.");
  issue->add_option("name", issued->request.name, "Of whom it is; names the files.")->required();
  issue->add_option("--role", issued->role, "What he is: manager, worker or client.")
      ->required()
      ->check(CLI::IsMember({"manager", "worker", "client"}));
  issue
      ->add_option("--host", issued->request.hosts,
                   "A name or an address at which he is dialled; several times for several. Left "
                   "out: his name, and this machine.")
      ->allow_extra_args(false);
  issue->add_option("--days", issued->request.days, "How long it counts.")->capture_default_str();
  issue->add_option("--ca", issued->ca, "The authority's folder.")->required()->type_name("DIR");
  issue->add_option("--out", issued->out, "Where the files go.")->required()->type_name("DIR");
  return [authority, issued, init] {
    return Report(init->parsed() ? Init(*authority) : IssueOne(*issued));
  };
}

}  // namespace weir
