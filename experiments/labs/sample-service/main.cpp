// SPDX-License-Identifier: Apache-2.0
// A service to put into a lab: it answers well exactly when everything it needs answers.
//
//   sample-service --name login --listen [::]:8080 --need cache=redis://session-cache.lab:6379
//
//   GET  /             200 when all needs answer, else 503; the body says which need did what
//   GET  /healthz      200 as long as the process lives
//   PUT  /messages/ID  keeps the body in memory (--store)
//   GET  /messages/ID  gives it back, or 404
#include <curl/curl.h>
#include <httplib.h>
#include <signal.h>
#include <unistd.h>

#include <iostream>
#include <map>
#include <mutex>
#include <optional>

#include <boost/program_options.hpp>

#include "needs.h"

namespace {

constexpr size_t kThreads = 16;
constexpr size_t kMostMessages = 10'000;
constexpr size_t kLongestMessage = 64 * 1024;

struct Service {
  std::string name, host;
  std::vector<sample::Need> needs;
  std::chrono::milliseconds timeout{};
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
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };  // the server deletes it
  server.set_keep_alive_max_count(1);  // an idle client must not hold one of few threads
  server.set_read_timeout(2, 0);
  server.set_payload_max_length(kLongestMessage);
  server.set_default_headers({{"X-Served-By", service.host}});
  server.Get("/", [&](const httplib::Request&, httplib::Response& response) { answer(service, response); });
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
  std::string listen_text, timeout_text;
  std::vector<std::string> needs;
  Service service;
  po::options_description options("sample-service: answers well exactly when everything it needs answers");
  options.add_options()("help,h", "print this text");
  options.add_options()("name", po::value(&service.name)->default_value("sample"), "what it calls itself");
  options.add_options()("listen", po::value(&listen_text)->default_value("[::]:8080"),
                        "ADDRESS:PORT; [::] is IPv4 too");
  options.add_options()(
      "need", po::value(&needs)->composing(),
      "[NAME=]URL[,URL...]: tcp://, http:// or redis://; alternatives in the order of fail-over");
  options.add_options()("timeout", po::value(&timeout_text)->default_value("300ms"),
                        "for each alternative of a need");
  options.add_options()("store", "keep messages in memory: PUT and GET /messages/ID");
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
    if (!need) return usage("--need takes [NAME=]URL[,URL...] with tcp://, http:// or redis://, not " + text);
    service.needs.push_back(*need);
  }
  const auto listen = parse_listen(listen_text);
  if (!listen) return usage("--listen takes ADDRESS:PORT, not " + listen_text);
  const auto timeout = parse_timeout(timeout_text);
  if (!timeout) return usage("--timeout takes a duration such as 300ms or 2s, not " + timeout_text);
  service.timeout = *timeout;
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  service.host = host;
  signal(SIGPIPE, SIG_IGN);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  return serve(service, *listen, given.count("store") > 0);
}
