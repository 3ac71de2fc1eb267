// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/announcer.h"

#include <curl/curl.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace blackstart::cli {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr long kConnectMs = 1000, kPostMs = 2000;
constexpr auto kLastWait = 3s;
constexpr size_t kMostWaiting = 200;

std::string list(const std::vector<std::string>& names) {
  constexpr size_t kMost = 12;
  std::string text;
  for (size_t i = 0; i < names.size() && i < kMost; ++i) text += (i ? ", " : "") + names[i];
  return names.size() > kMost ? text + " and " + std::to_string(names.size() - kMost) + " more" : text;
}

std::string victims(const Plan& plan) {
  std::vector<std::string> hosts, down;
  for (const PlanTarget& target : plan.targets)
    if (target.target) hosts.push_back(target.host);
  for (const auto& [service, predicted] : plan.predicted)
    if (predicted.impact == Impact::kDown) down.push_back(service);
  std::string text;
  for (const PlanFault& fault : plan.faults) text += (text.empty() ? "" : "; ") + fault.what;
  if (!hosts.empty()) text += ". Hosts: " + list(hosts);
  if (!down.empty()) text += ". Expected to be down: " + list(down);
  return text;
}

// "https://hooks.example": what stands behind the host may be a secret.
std::string host_of(const std::string& url) {
  const auto scheme = url.find("://");
  const size_t from = scheme == std::string::npos ? 0 : scheme + 3;
  const std::string authority = url.substr(from, url.find_first_of("/?#", from) - from);
  const auto user = authority.rfind('@');
  return url.substr(0, from) + (user == std::string::npos ? authority : authority.substr(user + 1));
}

std::string text_of(const json& data, const char* key) {
  const auto found = data.find(key);
  return found != data.end() && found->is_string() ? found->get<std::string>() : "";
}

size_t swallow(char*, size_t size, size_t count, void*) {
  return size * count;
}

}  // namespace

std::optional<std::string> in_words(const Plan& plan, const Experiment& experiment, const std::string& type,
                                    const json& data) {
  const auto said = [&](const char* key) { return text_of(data, key); };
  if (type == "run") {
    std::string text = "drill " + experiment.name + (plan.topology.empty() ? "" : " on " + plan.topology) +
                       " begins, for " + format_duration(plan.end) + ": " + victims(plan);
    if (const auto who = experiment.absent(); !who.empty()) text += ". Nobody may ask " + list(who);
    return text + ". `blackstart abort` ends it at any time";
  }
  if (type == "fire") return "T0 is at " + said("at");
  if (type == "fault") return said("id") + " " + said("kind") + " begins: " + said("what");
  if (type == "gate")
    return "gate " + std::string(data.value("passed", false) ? "passed" : "NOT passed, nothing more begins") +
           ": " + said("gate");
  if (type == "guard")
    return "guard breached, everything is taken back: " + said("guard") + " (" + said("why") + ")";
  if (type == "abort") return "aborted: " + said("reason");
  if (type == "clock-set" || type == "agents-lost") return "ended early: " + type;
  if (type == "revert") return "the faults are over (" + said("reason") + ")";
  if (type == "return") return "comes back: " + said("stage");
  if (type == "return-waits")
    return said("text") + "; at " + said("until") + " at the latest it comes back all the same";
  if (type == "returned") return "all that was killed has been started, or could not be";
  if (type == "stranded") return "STRANDED: " + said("error");
  if (type == "refused") return "refused: " + said("error");
  if (type == "verdict") return "verdict " + said("verdict") + ": " + said("reason");
  return std::nullopt;
}

// One thread that posts what it is given, in order.
class Announcer::Post {
 public:
  explicit Post(std::string url) : url_(std::move(url)), thread_([this] { work(); }) {}
  ~Post() { (void)finish(); }

  void give(std::string body) {
    {
      const std::lock_guard hold(mutex_);
      if (closed_) return;
      if (waiting_.size() >= kMostWaiting)
        lose("too many waited");
      else
        waiting_.push_back(std::move(body));
    }
    changed_.notify_all();
  }

  std::string finish() {
    if (thread_.joinable()) {
      {
        std::unique_lock hold(mutex_);
        closed_ = true;
        changed_.notify_all();
        if (!changed_.wait_for(hold, kLastWait, [this] { return idle_; })) given_up_ = true;
      }
      thread_.join();
      for (; !waiting_.empty(); waiting_.pop_front()) lose("the run was over before they could be sent");
    }
    if (lost_ == 0) return "";
    return std::to_string(lost_) + (lost_ == 1 ? " announcement" : " announcements") + " did not reach " +
           host_of(url_) + ": " + why_;
  }

 private:
  void lose(const std::string& why) {
    ++lost_;
    if (why_.empty()) why_ = why;
  }

  void work() {
    CURL* handle = curl_easy_init();
    std::unique_lock hold(mutex_);
    while (true) {
      changed_.wait(hold, [this] { return closed_ || !waiting_.empty(); });
      if (waiting_.empty() || given_up_) break;
      const std::string body = std::move(waiting_.front());
      waiting_.pop_front();
      hold.unlock();
      const std::string failure = handle ? post(handle, body) : "libcurl does not start";
      hold.lock();
      if (!failure.empty()) lose(failure);
    }
    idle_ = true;
    hold.unlock();
    changed_.notify_all();
    if (handle) curl_easy_cleanup(handle);
  }

  // "": it was taken.
  std::string post(CURL* handle, const std::string& body) {
    curl_easy_reset(handle);
    curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    curl_easy_setopt(handle, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, kPostMs);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, swallow);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, this);
    curl_easy_setopt(
        handle, CURLOPT_XFERINFOFUNCTION,
        +[](void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) -> int {
          return static_cast<Post*>(self)->given_up_ ? 1 : 0;
        });
    const CURLcode code = curl_easy_perform(handle);
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) return curl_easy_strerror(code);
    return status >= 200 && status < 300 ? "" : "status " + std::to_string(status);
  }

  const std::string url_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;
  bool closed_ = false, idle_ = false;
  std::atomic<bool> given_up_ = false;
  size_t lost_ = 0;
  std::string why_;  // of the first that was lost
  std::thread thread_;
};

Announcer::Announcer(const Plan& plan, const Experiment& experiment, std::string run,
                     std::function<void(const std::string& line)> print)
    : plan_(plan), experiment_(experiment), run_(std::move(run)), print_(std::move(print)) {
  if (!experiment.announce.webhook.empty()) post_ = std::make_unique<Post>(experiment.announce.webhook);
}

Announcer::~Announcer() = default;

void Announcer::event(UnixNs at, const std::string& type, const json& data) {
  const auto text = in_words(plan_, experiment_, type, data);
  if (!text) return;
  if (experiment_.announce.print && print_) print_(rfc3339(at) + " " + run_ + ": " + *text);
  if (!post_) return;
  post_->give(json{
      {"text", "[" + run_ + "] " + *text},
      {"what", type},
      {"at", rfc3339(at)},
      {"run", run_},
      {"experiment", experiment_.name},
      {"topology", plan_.topology},
      {"roles", experiment_.roles},
      {"absent", experiment_.absent()},
      {"data",
       data}}.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string Announcer::finish() {
  return post_ ? post_->finish() : "";
}

}  // namespace blackstart::cli
