// The connections of an HTTP client, by host, and the requests that wait for one.
#pragma once

#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <system_error>
#include <unordered_map>
#include <vector>

#include <pollux/http/client.h>
#include <pollux/task.h>

#include "http/client_connection.h"

namespace pollux::http {

/// What has the same scheme, host and port. In the pool as long as it has a connection or a request.
struct ClientHost {
    Url url;  ///< Of the request that it was made for.
    std::deque<ClientCall*> waiting;
    std::vector<std::shared_ptr<ClientConnection>> connections;
};

/// Gives requests to connections: to the idle one that was used last, to a new one, to a busy one if they may be
/// pipelined; else they wait, in their order. Its reactor's thread, always from the loop: what it calls may call
/// handlers, and those cannot get back in here.
class ClientPool {
public:
    explicit ClientPool(Client::Core& core) noexcept : core_(core) {}
    ~ClientPool();
    ClientPool(const ClientPool&) = delete;
    ClientPool& operator=(const ClientPool&) = delete;

    /// A request that is to be sent.
    void add(ClientCall& call);

    /// A request is given up: it need not wait any longer, if it does.
    void remove(const ClientCall& call);

    /// Closes every connection, those with requests under way at once. The requests are the core's business from then
    /// on.
    void close_all();

    // What connections use.

    [[nodiscard]] Reactor& reactor() const noexcept;
    [[nodiscard]] const ClientOptions& options() const noexcept;

    void opened(ClientConnection& connection);
    void connect_failed(ClientConnection& connection, std::error_code error);

    /// It has nothing under way and can be used again.
    void add_idle(ClientConnection& connection);

    /// Takes it out of the pool.
    [[nodiscard]] std::shared_ptr<ClientConnection> release(ClientConnection& connection);

    /// Sends what can be sent to a host now, connects where that takes more connections, and closes those that are too
    /// many. The host is gone if nothing is left of it.
    void settle(ClientHost& host);

    /// A connection was lost that the request was under way on. `unanswered`: it had served others before and nothing
    /// of this one's answer had come, so the server may never have seen it (RFC 9112, 9.3.1).
    void lost(ClientHost& host, ClientCall& call, std::error_code error, bool unanswered);

    /// Runs a task from the loop, later.
    void defer(Task&& task);

    // For the core.

    void answered(ClientCall& call, const Fields& trailers);
    void fail(ClientCall& call, std::error_code error);
    void connection_gone();

private:
    [[nodiscard]] ClientConnection* choose(const ClientHost& host, const ClientCall& call) const;
    void dispatch(ClientHost& host);
    void open_connections(ClientHost& host);
    [[nodiscard]] Status open_connection(ClientHost& host);
    void fail_first(ClientHost& host, std::error_code error);
    void take_from_idle(ClientConnection& connection);

    Client::Core& core_;
    std::unordered_map<std::string, std::unique_ptr<ClientHost>> hosts_;  // by origin
    std::list<ClientConnection*> idle_;                                   // the one used last at the end
};

}  // namespace pollux::http
