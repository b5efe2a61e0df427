#include "daemon/http/http_server.h"

#include <httplib.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "config/values.h"
#include "daemon/http/answer.h"
#include "daemon/http/errors.h"
#include "daemon/http/http_tls.h"
#include "daemon/security/listener.h"

namespace weir {
namespace {

using httplib::Request;
using httplib::Response;

constexpr size_t kMostBodyBytes = 2 << 20;
constexpr int kPatienceSeconds = 5;
constexpr const char* kName = "([A-Za-z0-9._:-]{1,128})";

/// `/api/v1/jobs/{job}` as the library matches paths.
std::string PatternOf(const std::string& path) {
  std::string pattern;
  for (size_t i = 0; i < path.size(); i++) {
    if (path[i] == '{') {
      pattern += kName;
      i = path.find('}', i);
    } else {
      if (path[i] == '.') pattern += '\\';
      pattern += path[i];
    }
  }
  return pattern;
}

/// The library reads bodies of a length that it is not told first without any limit, and unpacks
/// packed ones, so those are not read at all.
httplib::Server::HandlerResponse RefuseUnbounded(const Request& request, Response& response) {
  const bool has_body = request.method != "GET" && request.method != "HEAD";
  if (!request.has_header("Transfer-Encoding") && !request.has_header("Content-Encoding") &&
      (!has_body || request.get_header_value_count("Content-Length") == 1)) {
    return httplib::Server::HandlerResponse::Unhandled;
  }
  Answer(response, Status(errors::kBadFraming,
                          "a request says with Content-Length, once, how long its body is, and "
                          "the body is neither chunked nor packed",
                          "with curl, give a body by -d, also an empty one"));
  return httplib::Server::HandlerResponse::Handled;
}

}  // namespace

struct HttpServer::Impl {
  Impl(HttpServerOptions options_in, std::vector<HttpRoute> routes_in)
      : options(std::move(options_in)),
        routes(std::move(routes_in)),
        gate(options.tokens, *options.refusals, options.audit) {}

  Credentials ShownBy(const Request& request) const {
    Credentials shown;
    shown.authorization = request.get_header_value("Authorization");
    shown.host = request.get_header_value("Host");
    shown.origin = request.get_header_value("Origin");
    shown.from = fmt::format("{}:{}", request.remote_addr, request.remote_port);
    shown.request = request.method + " " + request.path;
    if (tls && tls->wants_certificates()) {
      shown.certificate_missing = SSL_get0_peer_certificate(request.ssl) == nullptr;
    }
    return shown;
  }

  void Serve(const HttpRoute& route, const Request& request, Response& response) const {
    const Result<Caller> caller = gate.Admit(ShownBy(request), route.access);
    if (!caller.ok()) return Answer(response, caller.status());
    HttpCall call{request, *caller, {}};
    for (size_t i = 1; i < request.matches.size(); i++) call.names.push_back(request.matches[i]);
    route.answer(call, response);
  }

  /// What no route has answered. That nothing is there is told to those only who may look.
  void AnswerRest(const Request& request, Response& response) const {
    if (!response.body.empty()) return;
    const int status = response.status;
    if (status == 404) {
      const Result<Caller> caller = gate.Admit(ShownBy(request), Access::kView);
      if (!caller.ok()) return Answer(response, caller.status());
    }
    if (status == 413) {
      Answer(response,
             Status(errors::kBadFraming, "the body is longer than 2 MiB, or than 8 KiB as a form",
                    "send less, as application/json"));
      response.status = status;
      return;
    }
    Answer(response, Status(errors::kNotServed, fmt::format("{} {} is nothing that is served here",
                                                            request.method, request.path)));
    response.status = status;
  }

  void SetUp() {
    server->set_payload_max_length(kMostBodyBytes);
    server->set_read_timeout(kPatienceSeconds);
    server->set_write_timeout(kPatienceSeconds);
    // Not SO_REUSEPORT, which the library sets by itself: two processes would share the requests.
    server->set_socket_options([](int socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    // What is left of a body that was refused must not be taken for the next request.
    server->set_keep_alive_max_count(1);
    server->set_default_headers({{"X-Content-Type-Options", "nosniff"}});
    server->set_pre_routing_handler(RefuseUnbounded);
    server->set_exception_handler([](const Request&, Response& response, std::exception_ptr) {
      Answer(response, Status(errors::kHandlerFailed, "the request could not be carried out",
                              "report it, with what the log says"));
    });
    server->set_error_handler(
        [this](const Request& request, Response& response) { AnswerRest(request, response); });
    for (const HttpRoute& route : routes) {
      const auto serve = [this, &route](const Request& request, Response& response) {
        Serve(route, request, response);
      };
      if (route.method == "GET") server->Get(PatternOf(route.path), serve);
      if (route.method == "POST") server->Post(PatternOf(route.path), serve);
    }
  }

  const HttpServerOptions options;
  const std::vector<HttpRoute> routes;
  const Gate gate;
  std::unique_ptr<HttpTls> tls;
  std::unique_ptr<httplib::Server> server;
  std::atomic<bool> ended{false};
  std::thread thread;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  impl_->server->stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options,
                                                      std::vector<HttpRoute> routes) {
  const std::string address = options.address;
  const size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  const Result<int64_t> port = colon == std::string::npos ? Result<int64_t>(int64_t{-1})
                                                          : ParseInteger(address.substr(colon + 1));
  if (!port.ok() || *port < 0 || *port > 65535 || host.empty()) {
    return Status(errors::kBadAddress,
                  fmt::format("{} {} is not an address", options.flag, address),
                  fmt::format("write {} 127.0.0.1:9400", options.flag));
  }
  WEIR_TRY(CheckListener({.address = address,
                          .flag = options.flag,
                          .tls = options.tls.has_value(),
                          .wants_tokens = true,
                          .tokens = options.tokens != nullptr,
                          .meant_to_be_open = options.meant_to_be_open}));
  auto impl = std::make_unique<Impl>(std::move(options), std::move(routes));
  if (const auto& files = impl->options.tls) {
    impl->tls = WEIR_TRY(
        HttpTls::Open(files->certificate, files->key, files->client_ca, impl->options.refusals));
    impl->server = std::make_unique<httplib::SSLServer>([&tls = *impl->tls](SSL_CTX& context) {
      tls.PutInto(context);
      return true;
    });
  } else {
    impl->server = std::make_unique<httplib::Server>();
  }
  impl->SetUp();
  httplib::Server& server = *impl->server;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string bare = bracketed ? host.substr(1, host.size() - 2) : host;
  int bound = static_cast<int>(*port);
  const bool listening =
      bound == 0 ? (bound = server.bind_to_any_port(bare)) > 0 : server.bind_to_port(bare, bound);
  if (!listening) {
    return Status(errors::kCantListen, fmt::format("can't listen on {}", address),
                  "choose another port, or see what has this one with 'ss -ltnp'");
  }
  std::unique_ptr<HttpServer> made(new HttpServer(std::move(impl)));
  made->address_ = fmt::format("{}:{}", host, bound);
  made->impl_->thread = std::thread([&server, &ended = made->impl_->ended] {
    server.listen_after_bind();
    ended = true;
  });
  // A stop that came before it runs would be lost, and the server's end wait for ever.
  while (!server.is_running() && !made->impl_->ended) std::this_thread::yield();
  return made;
}

}  // namespace weir
