// The connections of an HTTP client, by host, and the requests that wait for one.
#include "http/client_pool.h"

#include <algorithm>
#include <utility>

#include "http/client_core.h"

namespace pollux::http {

ClientPool::~ClientPool() = default;

Reactor& ClientPool::reactor() const noexcept {
    return core_.reactor();
}
const ClientOptions& ClientPool::options() const noexcept {
    return core_.options();
}
void ClientPool::defer(Task&& task) {
    core_.reactor().control(std::move(task));
}
void ClientPool::answered(ClientCall& call, const Fields& trailers) {
    core_.answered(call, trailers);
}
void ClientPool::fail(ClientCall& call, std::error_code error) {
    core_.fail(call, error);
}
void ClientPool::connection_gone() {
    core_.connection_gone();
}

// Requests.

void ClientPool::add(ClientCall& call) {
    std::unique_ptr<ClientHost>& host = hosts_[call.url().origin()];
    if (host == nullptr) host = std::make_unique<ClientHost>(ClientHost{call.url(), {}, {}});
    host->waiting.push_back(&call);
    settle(*host);
}

void ClientPool::remove(const ClientCall& call) {
    const auto host = hosts_.find(call.url().origin());
    if (host == hosts_.end()) return;
    std::deque<ClientCall*>& waiting = host->second->waiting;
    const auto place = std::find(waiting.begin(), waiting.end(), &call);
    if (place != waiting.end()) waiting.erase(place);
}

void ClientPool::lost(ClientHost& host, ClientCall& call, std::error_code error, bool unanswered) {
    if (!unanswered || !call.may_be_repeated()) {
        core_.fail(call, error);
        return;
    }
    call.count_repetition();
    core_.retries.add(1);
    // What was done to this connection may have been done to others that have been silent as long.
    const std::vector<std::shared_ptr<ClientConnection>> connections = host.connections;
    for (const auto& connection : connections) {
        if (connection->idle()) connection->disconnect(false);
    }
    host.waiting.push_front(&call);
}

void ClientPool::settle(ClientHost& host) {
    dispatch(host);
    if (host.waiting.empty() && host.connections.empty()) {
        hosts_.erase(host.url.origin());
        return;
    }
    while (idle_.size() > options().max_idle_connections) idle_.front()->retire({}, false);
}

void ClientPool::dispatch(ClientHost& host) {
    while (!host.waiting.empty()) {
        ClientCall& call = *host.waiting.front();
        ClientConnection* connection = choose(host, call);
        if (connection == nullptr) break;
        host.waiting.pop_front();
        if (connection->idle()) take_from_idle(*connection);
        connection->take(call);
    }
    open_connections(host);
}

/// The connection that the call can be sent on now, if there is one.
ClientConnection* ClientPool::choose(const ClientHost& host, const ClientCall& call) const {
    const auto idle = std::find_if(idle_.rbegin(), idle_.rend(),
                                   [&](const ClientConnection* candidate) { return candidate->host() == &host; });
    if (idle != idle_.rend()) return *idle;
    if (options().pipeline_depth == 1 || host.connections.size() < options().max_connections_per_host ||
        !call.may_be_pipelined()) {
        return nullptr;
    }
    ClientConnection* least = nullptr;
    for (const auto& connection : host.connections) {
        if (!connection->may_pipeline() || connection->load() >= options().pipeline_depth) continue;
        if (least == nullptr || connection->load() < least->load()) least = connection.get();
    }
    return least;
}

// Connections.

void ClientPool::open_connections(ClientHost& host) {
    const auto connecting = [&] {
        return static_cast<std::size_t>(std::count_if(host.connections.begin(), host.connections.end(),
                                                      [](const auto& one) { return one->connecting(); }));
    };
    while (connecting() < host.waiting.size() && host.connections.size() < options().max_connections_per_host) {
        if (const Status status = open_connection(host); !status) fail_first(host, status.error());
    }
}

Status ClientPool::open_connection(ClientHost& host) {
    const ClientOptions& options = core_.options();
    pollux::ClientOptions connect;
    connect.endpoint = options.endpoint.empty() ? Endpoint{Transport::tcp, host.url.host, host.url.port, {}}.to_string()
                                                : options.endpoint;
    connect.connection = options.connection;
    if (host.url.secure) {
        connect.tls = core_.tls();
        connect.server_name = host.url.host;
    }
    connect.connect_timeout = options.connect_timeout;
    connect.reactor = core_.reactor().position();
    const auto connection = std::make_shared<ClientConnection>(*this, host);
    core_.connections.add(1);
    host.connections.push_back(connection);
    Status status = connection->connect(std::move(connect));
    if (!status) static_cast<void>(release(*connection));
    return status;
}

void ClientPool::opened(ClientConnection& connection) {
    core_.connections_opened.add(1);
    add_idle(connection);
    settle(*connection.host());
}

void ClientPool::connect_failed(ClientConnection& connection, std::error_code error) {
    ClientHost& host = *connection.host();
    if (!host.waiting.empty()) fail_first(host, error);
    connection.retire(error, true);
}

/// One failure is one request's: whether the others' attempts fail as well is theirs to see.
void ClientPool::fail_first(ClientHost& host, std::error_code error) {
    ClientCall& call = *host.waiting.front();
    host.waiting.pop_front();
    core_.fail(call, error);
}

void ClientPool::add_idle(ClientConnection& connection) {
    connection.set_idle(true);
    connection.idle_position = idle_.insert(idle_.end(), &connection);
    core_.idle_connections.set(idle_.size());
}

void ClientPool::take_from_idle(ClientConnection& connection) {
    connection.set_idle(false);
    idle_.erase(connection.idle_position);
    core_.idle_connections.set(idle_.size());
}

std::shared_ptr<ClientConnection> ClientPool::release(ClientConnection& connection) {
    if (connection.idle()) take_from_idle(connection);
    std::vector<std::shared_ptr<ClientConnection>>& all = connection.host()->connections;
    const auto place = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.get() == &connection; });
    std::shared_ptr<ClientConnection> released = std::move(*place);
    all.erase(place);
    connection.leave();
    return released;
}

void ClientPool::close_all() {
    for (const auto& [origin, host] : hosts_) {
        host->waiting.clear();
        while (!host->connections.empty()) {
            const std::shared_ptr<ClientConnection> connection = host->connections.back();
            const bool idle = connection->idle();
            connection->disconnect(!idle);
            if (idle) connection->part();  // a server may take its time to close
        }
    }
    hosts_.clear();
}

}  // namespace pollux::http
