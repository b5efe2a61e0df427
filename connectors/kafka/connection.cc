#include "connectors/kafka/connection.h"

#include <utility>

#include "base/log.h"

namespace weir::kafka {
namespace {

constexpr Duration kLookEvery = Duration::Seconds(10);

}  // namespace

Result<Connection::Opened> Connection::Open() {
  Login login = WEIR_TRY(ReadLogin(options_));
  WEIR_TRY(CheckOwnCertificate(login, SystemClock().Now()));
  std::lock_guard lock(mutex_);
  if (login != login_) {
    if (version_ > 0) {
      log::Info("a connection's files or secrets have changed", {{"address", address()}});
    }
    login_ = login;
    version_++;
  }
  return Opened{std::move(login), version_};
}

uint64_t Connection::Version(Duration now) {
  const bool fixed =
      options_.security == Security::kPlaintext && options_.client_properties.empty();
  uint64_t version = 0;
  {
    std::lock_guard lock(mutex_);
    version = version_;
    if (fixed || now.us - looked_.us < kLookEvery.us) return version;
    looked_ = now;
  }
  const Result<Opened> opened = Open();
  if (opened.ok()) return opened->version;
  // Half a pair, or a file that is being replaced: what is open stays.
  log::Warn("a changed connection is not in order; what it said before still counts",
            {{"code", opened.status().code().id},
             {"address", address()},
             {"reason", opened.status().message()}});
  return version;
}

}  // namespace weir::kafka
