// SPDX-License-Identifier: Apache-2.0
// A service to put into a lab: it answers well exactly when everything it needs answers.
//
//   sample-service --name login --listen [::]:8080 --need cache=redis://session-cache.lab:6379
//
//   GET  /             200 when all needs answer, else 503; the body says which need did what
//   GET  /healthz      200 as long as the process lives, however busy it is
//   PUT  /messages/ID  keeps the body in memory (--store)
//   GET  /messages/ID  gives it back, or 404
//
// --slots and --work bound what it can do for GET /; --load makes it ask another, whatever comes back.
#include <curl/curl.h>
#include <httplib.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include <boost/program_options.hpp>

#include "load.h"
#include "needs.h"

namespace {

constexpr size_t kThreads = 16;
constexpr std::chrono::seconds kLongestQueue(3);
constexpr size_t kMostMessages = 10'000;
constexpr size_t kLongestMessage = 64 * 1024;

struct Service {
  std::string name, host;
  std::vector<sample::Need> needs;
  std::chrono::milliseconds timeout{};
  size_t slots = 0;  // 0: as many as come
  std::chrono::milliseconds work{};
};

struct ListenAddress {
  std::string host;  // "::" is every address, of IPv4 too
  int port = 0;
};

std::optional<ListenAddress> parse_listen(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const std::string digits = text.substr(colon + 1);
  if (digits.empty() || digits.size() > 5 || digits.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  return ListenAddress{host, std::stoi(digits)};
}

std::optional<std::chrono::milliseconds> parse_timeout(const std::string& text) {
  const size_t unit = text.find_first_not_of("0123456789");
  if (unit == 0 || unit > 6) return std::nullopt;
  const int value = std::stoi(text);
  if (text.substr(unit) == "ms") return std::chrono::milliseconds(value);
  if (text.substr(unit) == "s") return std::chrono::seconds(value);
  return std::nullopt;
}

void answer(const Service& service, httplib::Response& response) {
  const std::vector<sample::Answer> answers = sample::ask_all(service.needs, service.timeout);
  bool ok = true;
  std::string body;
  for (size_t i = 0; i < answers.size(); ++i) {
    ok = ok && answers[i].ok;
    body += "  " + service.needs[i].name + ": " + (answers[i].ok ? "" : "FAILED ") + answers[i].text + "\n";
  }
  response.status = ok ? 200 : 503;
  response.set_content(
      service.name + " on " + service.host + (ok ? ": ok\n" : ": a need does not answer\n") + body,
      "text/plain");
}

// Messages in memory, gone with the process.
class MessageStore {
 public:
  void put(const std::string& id, const std::string& body, httplib::Response& response) {
    const std::scoped_lock lock(mutex_);
    if (messages_.size() >= kMostMessages && !messages_.contains(id)) {
      response.status = 507;
      return;
    }
    messages_[id] = body;
  }
  void get(const std::string& id, httplib::Response& response) {
    const std::scoped_lock lock(mutex_);
    const auto found = messages_.find(id);
    if (found == messages_.end())
      response.status = 404;
    else
      response.set_content(found->second, "application/octet-stream");
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> messages_;
};

int serve(const Service& service, const ListenAddress& listen, bool store) {
  httplib::Server server;
  MessageStore messages;
  sample::Capacity capacity(std::max<size_t>(1, service.slots), service.work, kLongestQueue);
  // One for each request that may wait, so that health is answered however long the queue is.
  const size_t waiting =
      service.slots == 0 ? 0 : service.slots * static_cast<size_t>(1 + kLongestQueue / service.work);
  server.new_task_queue = [waiting] { return new httplib::ThreadPool(kThreads + waiting); };  // it deletes it
  server.set_keep_alive_max_count(1);  // an idle client must not hold one of few threads
  server.set_read_timeout(2, 0);
  server.set_payload_max_length(kLongestMessage);
  server.set_default_headers({{"X-Served-By", service.host}});
  server.Get("/", [&](const httplib::Request&, httplib::Response& response) {
    if (service.slots > 0) {
      const auto done = capacity.take(sample::Capacity::Clock::now());
      if (!done) {
        response.status = 503;
        response.set_content(service.name + " is too busy\n", "text/plain");
        return;
      }
      std::this_thread::sleep_until(*done);
    }
    answer(service, response);
  });
  server.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("alive\n", "text/plain");
  });
  if (store) {
    server.Put("/messages/(.+)", [&](const httplib::Request& request, httplib::Response& response) {
      messages.put(request.matches[1], request.body, response);
    });
    server.Get("/messages/(.+)", [&](const httplib::Request& request, httplib::Response& response) {
      messages.get(request.matches[1], response);
    });
  }
  if (!server.bind_to_port(listen.host.c_str(), listen.port)) {
    std::cerr << "cannot listen on " << listen.host << " port " << listen.port << "\n";
    return 1;
  }
  std::cout << service.name << " listens on port " << listen.port << std::endl;
  return server.listen_after_bind() ? 0 : 1;
}

int usage(const std::string& message) {
  std::cerr << "sample-service: " << message << "\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  namespace po = boost::program_options;
  std::string listen_text, timeout_text, work_text;
  sample::Load load;
  std::vector<std::string> needs;
  Service service;
  po::options_description options("sample-service: answers well exactly when everything it needs answers");
  options.add_options()("help,h", "print this text");
  options.add_options()("name", po::value(&service.name)->default_value("sample"), "what it calls itself");
  options.add_options()("listen", po::value(&listen_text)->default_value("[::]:8080"),
                        "ADDRESS:PORT; [::] is IPv4 too");
  options.add_options()("need", po::value(&needs)->composing(),
                        "[NAME=]URL[,URL...]: tcp://, http://, redis:// or redis-write://; alternatives in "
                        "the order of fail-over");
  options.add_options()("timeout", po::value(&timeout_text)->default_value("300ms"),
                        "for each alternative of a need");
  options.add_options()("store", "keep messages in memory: PUT and GET /messages/ID");
  options.add_options()("slots", po::value(&service.slots)->default_value(0),
                        "requests of GET / it works on at a time, the others wait; 0: all");
  options.add_options()("work", po::value(&work_text)->default_value("100ms"), "how long it works on one");
  options.add_options()("load", po::value(&load.url), "asks this URL all the time, within --timeout");
  options.add_options()("rate", po::value(&load.rate)->default_value(10), "new requests a second of --load");
  options.add_options()("retries", po::value(&load.retries)->default_value(0),
                        "of --load: at once, after each attempt that failed");
  options.add_options()("retry-budget", po::value(&load.budget)->default_value(-1, "none"),
                        "of --load: retries a first attempt, 0.1 is one in ten");
  po::variables_map given;
  try {
    po::store(po::parse_command_line(argc, argv, options), given);
    po::notify(given);
  } catch (const po::error& error) {
    return usage(error.what());
  }
  if (given.count("help")) {
    std::cout << options;
    return 0;
  }
  for (const std::string& text : needs) {
    const auto need = sample::parse_need(text);
    if (!need)
      return usage("--need takes [NAME=]URL[,URL...] with tcp://, http://, redis:// or redis-write://, not " +
                   text);
    service.needs.push_back(*need);
  }
  const auto listen = parse_listen(listen_text);
  if (!listen) return usage("--listen takes ADDRESS:PORT, not " + listen_text);
  const auto timeout = parse_timeout(timeout_text);
  if (!timeout) return usage("--timeout takes a duration such as 300ms or 2s, not " + timeout_text);
  service.timeout = *timeout;
  const auto work = parse_timeout(work_text);
  if (!work || work->count() == 0) return usage("--work takes a duration such as 100ms, not " + work_text);
  service.work = *work;
  if (service.slots > 64) return usage("--slots takes at most 64");
  if (!(load.rate > 0 && load.rate <= 100) || load.retries < 0 || load.retries > 10)
    return usage("--rate takes at most 100 a second, --retries at most 10");
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  service.host = host;
  signal(SIGPIPE, SIG_IGN);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  load.timeout = service.timeout;
  if (!load.url.empty()) {
    if (!sample::parse_need(load.url)) return usage("--load takes a URL, not " + load.url);
    sample::start_load(load);
  }
  return serve(service, *listen, given.count("store") > 0);
}
