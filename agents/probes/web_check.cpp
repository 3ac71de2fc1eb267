// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/web_check.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "agents/contract/units.h"
#include "agents/probes/web.h"

namespace blackstart {
namespace {

constexpr size_t kMostBody = 64 * 1024;

struct Url {
  std::string host;  // an IPv6 literal without brackets
  std::string port;
};

std::optional<Url> parse_url(const std::string& text) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
  const auto part = [&](CURLUPart which, unsigned flags) {
    char* value = nullptr;
    if (curl_url_get(url.get(), which, &value, flags) != CURLUE_OK) return std::string();
    std::string copy(value);
    curl_free(value);
    return copy;
  };
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return std::nullopt;
  const std::string scheme = part(CURLUPART_SCHEME, 0);
  if (scheme != "http" && scheme != "https") return std::nullopt;
  Url parsed{.host = part(CURLUPART_HOST, 0), .port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT)};
  if (parsed.host.starts_with('[')) parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
  // libcurl would turn such a name into another one, and look that up itself.
  const bool plain =
      std::all_of(parsed.host.begin(), parsed.host.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (parsed.host.empty() || !plain) return std::nullopt;
  return parsed;
}

std::string bracketed(const Address& address) {
  return address.v6 ? "[" + address.text() + "]" : address.text();
}

class WebCheck final : public Check, private Transfer {
 public:
  WebCheck(WebRequest request, Url at, int64_t timeout_ns, CheckContext& context, Report report)
      : request_(std::move(request)),
        at_(std::move(at)),
        deadline_(monotonic_now() + timeout_ns),
        context_(context),
        report_(std::move(report)) {
    if (Address::parse(at_.host)) {
      transfer({});
    } else {
      resolve();
    }
  }
  ~WebCheck() override {
    if (!easy_) return;
    context_.web.remove(easy_);
    curl_easy_cleanup(easy_);
    curl_slist_free_all(resolved_);
  }
  std::string_view doing() const override;

 private:
  void resolve();
  void transfer(const std::vector<Address>& addresses);
  void ended(CURLcode result) override;
  Finding judge(CURLcode result) const;
  Finding judge_answer() const;
  // Why the certificate is not believed; `text` where libcurl gives a reason of its own.
  std::string distrust(std::string_view text) const;
  size_t receive(const char* data, size_t size);

  const WebRequest request_;
  const Url at_;
  const int64_t deadline_;
  CheckContext& context_;
  Report report_;
  std::unique_ptr<NameQuery> query_;
  CURL* easy_ = nullptr;
  curl_slist* resolved_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::string body_;
  size_t received_ = 0;
};

std::string_view WebCheck::doing() const {
  if (!easy_) return "resolving";
  curl_off_t connected = 0, secured = 0;
  curl_easy_getinfo(easy_, CURLINFO_CONNECT_TIME_T, &connected);
  curl_easy_getinfo(easy_, CURLINFO_PRETRANSFER_TIME_T, &secured);
  if (connected == 0) return "connecting";
  return secured == 0 ? "in the TLS handshake" : "waiting for the answer";
}

void WebCheck::resolve() {
  auto query = NameQuery::make(context_.loop, context_.name_server);
  if (!query) return report_(missed(query.error().message()));
  query_ = std::move(*query);
  query_->addresses(at_.host, [this](int status, const std::vector<Address>& addresses) {
    if (status == ARES_SUCCESS && !addresses.empty()) {
      transfer(addresses);
    } else {
      report_(failure("resolve", name_failure(status == ARES_SUCCESS ? ARES_ENODATA : status)));
    }
  });
}

void WebCheck::transfer(const std::vector<Address>& addresses) {
  easy_ = curl_easy_init();
  if (!easy_) return report_(missed("for want of local resources: libcurl"));
  if (!addresses.empty()) {
    std::string entry = at_.host + ":" + at_.port + ":";
    for (const Address& address : addresses)
      entry.append(&address == &addresses.front() ? "" : ",").append(bracketed(address));
    resolved_ = curl_slist_append(nullptr, entry.c_str());
    curl_easy_setopt(easy_, CURLOPT_RESOLVE, resolved_);
  }
  const auto set = [this](CURLoption option, auto value) { curl_easy_setopt(easy_, option, value); };
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_PRIVATE, static_cast<Transfer*>(this));
  set(CURLOPT_ERRORBUFFER, error_.data());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_FRESH_CONNECT, 1L);
  set(CURLOPT_FORBID_REUSE, 1L);
  set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_USERAGENT, "blackstart-probe/" BLACKSTART_VERSION);
  if (!request_.ca.empty()) {
    set(CURLOPT_CAINFO, request_.ca.c_str());
    set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
  }
  set(CURLOPT_SSL_VERIFYPEER, request_.insecure ? 0L : 1L);
  set(CURLOPT_SSL_VERIFYHOST, request_.insecure ? 0L : 2L);
  // The attempt's own deadline ends it; this one makes libcurl leave time for a second address.
  set(CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(std::max<int64_t>(1, (deadline_ - monotonic_now()) / 1'000'000)));
  if (request_.judge) {
    const curl_write_callback receive_into = [](char* data, size_t size, size_t count, void* self) {
      return static_cast<WebCheck*>(self)->receive(data, size * count);
    };
    set(CURLOPT_WRITEFUNCTION, receive_into);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  } else {
    set(CURLOPT_CONNECT_ONLY, 1L);
  }
  if (const CURLMcode added = context_.web.add(easy_); added != CURLM_OK)
    report_(missed(curl_multi_strerror(added)));
}

// Taking less than was given makes libcurl end the transfer.
size_t WebCheck::receive(const char* data, size_t size) {
  const size_t taken = std::min(size, request_.most_body - received_);
  received_ += taken;
  if (request_.keep_body) body_.append(data, taken);
  return taken;
}

void WebCheck::ended(CURLcode result) {
  report_(judge(result));
}

Finding WebCheck::judge(CURLcode result) const {
  long error = 0;
  curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &error);
  const std::string_view text = error_[0] ? error_.data() : curl_easy_strerror(result);
  switch (result) {
    case CURLE_OK:
      return request_.judge ? judge_answer() : success();
    case CURLE_WRITE_ERROR:
      if (received_ == request_.most_body) return judge_answer();
      return failure("error", text);
    case CURLE_OPERATION_TIMEDOUT:
      return failure("timeout", doing());
    case CURLE_COULDNT_RESOLVE_HOST:
      return failure("resolve", text);
    case CURLE_COULDNT_CONNECT:
      return failure_of(static_cast<int>(error), text);
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      return failure("reset", doing());
    case CURLE_GOT_NOTHING:
      return failure("reset", "closed without an answer");
    case CURLE_PARTIAL_FILE:
      return failure("reset", "closed within the answer");
    case CURLE_PEER_FAILED_VERIFICATION:
      return failure("tls", distrust(text));
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
      return failure("tls", "handshake: " + std::string(text));
    case CURLE_SSL_CACERT_BADFILE:
      return missed("for want of a CA file that can be read: " + request_.ca);
    case CURLE_OUT_OF_MEMORY:
      return missed("for want of local resources: memory");
    default:
      return failure("error", text);
  }
}

std::string WebCheck::distrust(std::string_view text) const {
  // OpenSSL's X509_V_ERR_*, which libcurl passes on: numbers that never change. It compares the names
  // before it asks OpenSSL, and says so in no number of its own.
  enum : long {
    kOk = 0,
    kNotAsked = 1,
    kNoIssuer = 2,
    kNotYetValid = 9,
    kExpired = 10,
    kSelfSigned = 18,
    kSelfSignedRoot = 19,
    kNoLocalIssuer = 20,
    kNoChain = 21,
    kRevoked = 23
  };
  long why = kOk;
  curl_easy_getinfo(easy_, CURLINFO_SSL_VERIFYRESULT, &why);
  switch (why) {
    case kOk:
    case kNotAsked:
      return "wrong host";
    case kNotYetValid:
      return "not yet valid";
    case kExpired:
      return "expired";
    case kSelfSigned:
      return "self-signed";
    case kSelfSignedRoot:
    case kNoIssuer:
    case kNoLocalIssuer:
    case kNoChain:
      return "unknown issuer";
    case kRevoked:
      return "revoked";
    default:
      return "untrusted: " + std::string(text);
  }
}

Finding WebCheck::judge_answer() const {
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  return request_.judge(status, body_);
}

Finding judge_http(const contract::HttpCheck& http, long status, const std::string& body) {
  const bool fits = http.status() == 0 ? status < 400 : status == static_cast<long>(http.status());
  if (!fits) return failure("status", std::to_string(status));
  if (body.find(http.body()) == std::string::npos) return failure("body", "lacks the expected text");
  return success();
}

std::string tcp_url(const contract::TcpCheck& tcp) {
  const auto literal = Address::parse(tcp.host());
  return "http://" + (literal ? bracketed(*literal) : tcp.host()) + ":" + std::to_string(tcp.port()) + "/";
}

}  // namespace

Result<> validate_url(const contract::Probe& probe, const std::string& url) {
  if (parse_url(url)) return {};
  return fail(ErrorKind::kInvalid, "start probe " + probe.name(), url, 0, "an http or https URL is needed");
}

std::unique_ptr<Check> begin_web(WebRequest request, int64_t timeout_ns, CheckContext& context,
                                 Report report) {
  Url at = *parse_url(request.url);
  return std::make_unique<WebCheck>(std::move(request), std::move(at), timeout_ns, context,
                                    std::move(report));
}

Result<> validate_http(const contract::Probe& probe) {
  if (const auto url = validate_url(probe, probe.http().url()); !url) return url;
  const bool https = probe.http().url().starts_with("https:");
  if (const auto& http = probe.http(); (http.insecure() || !http.ca().empty()) && !https)
    return fail(ErrorKind::kInvalid, "start probe " + probe.name(), http.url(), 0,
                "ca and insecure are for an https URL");
  if (const std::string& ca = probe.http().ca(); !ca.empty() && (ca[0] != '/' || probe.http().insecure()))
    return fail(ErrorKind::kInvalid, "start probe " + probe.name(), "ca " + ca, 0,
                "an absolute path is needed, and insecure looks at no CA");
  if (const uint32_t status = probe.http().status(); status != 0 && (status < 100 || status > 599))
    return fail(ErrorKind::kInvalid, "start probe " + probe.name(), "status " + std::to_string(status), 0,
                "100 to 599 is possible");
  return {};
}

Result<> validate_tcp(const contract::Probe& probe) {
  const contract::TcpCheck& tcp = probe.tcp();
  const auto url = parse_url(tcp_url(tcp));
  const auto literal = Address::parse(tcp.host());
  const bool host_is_host = url && (literal || url->host == tcp.host());
  if (!host_is_host || tcp.port() == 0 || tcp.port() > 65535)
    return fail(ErrorKind::kInvalid, "start probe " + probe.name(),
                tcp.host() + ":" + std::to_string(tcp.port()), 0,
                "a host name or address and a port from 1 to 65535 are needed");
  return {};
}

std::unique_ptr<Check> begin_http(const contract::Probe& probe, CheckContext& context, Report report) {
  const contract::HttpCheck& http = probe.http();
  return begin_web(
      {.url = http.url(),
       .most_body = kMostBody,
       .keep_body = !http.body().empty(),
       .ca = http.ca(),
       .insecure = http.insecure(),
       .judge = [&http](long status, const std::string& body) { return judge_http(http, status, body); }},
      probe.timeout_ns(), context, std::move(report));
}

std::unique_ptr<Check> begin_tcp(const contract::Probe& probe, CheckContext& context, Report report) {
  return begin_web({.url = tcp_url(probe.tcp())}, probe.timeout_ns(), context, std::move(report));
}

}  // namespace blackstart
