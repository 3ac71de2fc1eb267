// SPDX-License-Identifier: Apache-2.0
#include "needs.h"

#include <curl/curl.h>

#include <poll.h>

#include <algorithm>
#include <future>
#include <memory>
#include <sstream>

namespace sample {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr const char* kSchemes[] = {"tcp://", "http://", "redis://", "redis-write://"};

struct Cleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Handle = std::unique_ptr<CURL, Cleanup>;

size_t ignore_body(char*, size_t size, size_t count, void*) {
  return size * count;
}

bool speaks(const std::string& url, const char* scheme) {
  return url.rfind(scheme, 0) == 0;
}

// "" or why not.
std::string ask_http(CURL* handle, const std::string& url) {
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, ignore_body);
  if (const CURLcode code = curl_easy_perform(handle); code != CURLE_OK) return curl_easy_strerror(code);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return status == 200 ? "" : "status " + std::to_string(status);
}

// libcurl resolves and connects; what is said then is said by the caller.
std::string connect(CURL* handle, const std::string& url) {
  const std::string address = "http://" + url.substr(url.find("://") + 3);
  curl_easy_setopt(handle, CURLOPT_URL, address.c_str());
  curl_easy_setopt(handle, CURLOPT_CONNECT_ONLY, 1L);
  const CURLcode code = curl_easy_perform(handle);
  return code == CURLE_OK ? "" : curl_easy_strerror(code);
}

// "" when Redis answers the command as it should in time.
std::string ask_redis(CURL* handle, const std::string& url, const std::string& command,
                      const std::string& wanted, Clock::time_point deadline) {
  if (std::string error = connect(handle, url); !error.empty()) return error;
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(handle, CURLINFO_ACTIVESOCKET, &socket);
  size_t size = 0;
  const std::string line = command + "\r\n", name = command.substr(0, command.find(' '));
  if (curl_easy_send(handle, line.data(), line.size(), &size) != CURLE_OK || size != line.size())
    return "cannot send " + name;
  std::string answer;
  while (answer.find('\n') == std::string::npos) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
    pollfd entry{socket, POLLIN, 0};
    if (left <= 0 || poll(&entry, 1, static_cast<int>(left)) != 1) return "no answer to " + name + " in time";
    char buffer[128];
    const CURLcode code = curl_easy_recv(handle, buffer, sizeof buffer, &size);
    if (code == CURLE_AGAIN) continue;
    if (code != CURLE_OK || size == 0) return "closed instead of answering " + name;
    answer.append(buffer, size);
  }
  if (speaks(answer, wanted.c_str())) return "";
  return "answered " + name + " with " + answer.substr(0, answer.find('\r'));
}

std::string try_one(const std::string& url, milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  const Handle handle(curl_easy_init());
  if (!handle) return "out of memory";
  curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  // Happy eyeballs would wait 200 ms for one family before trying the other: too long for short timeouts.
  curl_easy_setopt(handle.get(), CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, static_cast<long>(timeout.count() / 4));
  if (speaks(url, "http://")) return ask_http(handle.get(), url);
  if (speaks(url, "redis://")) return ask_redis(handle.get(), url, "PING", "+PONG", deadline);
  if (speaks(url, "redis-write://"))
    return ask_redis(handle.get(), url, "SET sample-service 1", "+OK", deadline);
  return connect(handle.get(), url);
}

}  // namespace

std::optional<Need> parse_need(const std::string& text) {
  Need need;
  const size_t equals = text.find('='), scheme = text.find("://");
  const bool named = equals < scheme;  // an '=' behind it belongs to the URL
  std::istringstream urls(named ? text.substr(equals + 1) : text);
  for (std::string url; std::getline(urls, url, ',');) {
    if (std::none_of(std::begin(kSchemes), std::end(kSchemes),
                     [&](const char* known) { return speaks(url, known); }))
      return std::nullopt;
    need.alternatives.push_back(url);
  }
  if (need.alternatives.empty()) return std::nullopt;
  need.name = named ? text.substr(0, equals) : need.alternatives.front();
  return need;
}

Answer ask(const Need& need, milliseconds timeout) {
  std::string why;
  for (const std::string& url : need.alternatives) {
    const auto begin = Clock::now();
    const std::string error = try_one(url, timeout);
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin).count();
    if (error.empty()) return {true, "ok via " + url + " in " + std::to_string(took) + " ms"};
    why += (why.empty() ? "" : "; ") + url + ": " + error + " after " + std::to_string(took) + " ms";
  }
  return {false, why};
}

std::vector<Answer> ask_all(const std::vector<Need>& needs, milliseconds timeout) {
  std::vector<std::future<Answer>> asked;
  for (const Need& need : needs)
    asked.push_back(
        std::async(needs.size() > 1 ? std::launch::async : std::launch::deferred, ask, need, timeout));
  std::vector<Answer> answers;
  for (auto& one : asked) answers.push_back(one.get());
  return answers;
}

}  // namespace sample
