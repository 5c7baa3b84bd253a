// The TLS side of a connection.
#include "stream_tls.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "cork_scope.h"
#include "proto/tls_error.h"
#include "reactor_core.h"
#include "tls_info.h"

namespace pollux {

std::optional<TlsInfo> StreamConnection::read_tls() const {
    if (tls_ == nullptr) return std::nullopt;
    return describe_tls(tls_->session.native());
}

// The handshake.

void StreamConnection::start_handshake() {
    state_ = ConnectionState::handshaking;
    reactor_->timers().arm(*this, platform::Poller::now() + owner_->options().handshake_timeout);
    if (owner_->is_server()) {
        update_receiving();  // who never speaks costs no session
    } else if (make_session()) {
        continue_handshake();
    }
}

bool StreamConnection::make_session() {
    SslPointer ssl = owner_->make_tls();
    if (ssl != nullptr) tls_ = reactor_->create_tls(*this, std::move(ssl));
    if (tls_ == nullptr) finish(CloseReason::tls_error, take_tls_error());
    return tls_ != nullptr;
}

void StreamConnection::continue_handshake() {
    const Time begin = platform::Poller::now();
    tls_->gathering = true;
    const TlsSession::Step step = tls_->session.handshake(*tls_, *tls_);
    tls_->gathering = false;
    reactor_->count_handshake(platform::Poller::now() - begin);
    flush_encrypted();
    if (state_ == ConnectionState::closed) return;
    if (step == TlsSession::Step::done) {
        tls_->session.keep_buffers();
        announce();
        if (state_ == ConnectionState::open) decrypt();  // what came in the same segment
    } else {
        after_decrypting(step);
    }
}

// Receiving.

/// The socket has something: OpenSSL fetches it from there.
void StreamConnection::receive_records() {
    if (tls_ == nullptr && !make_session()) return;
    tls_->drained = false;
    tls_->received = 0;
    if (state_ == ConnectionState::handshaking) {
        continue_handshake();
    } else {
        decrypt();
    }
}

std::size_t StreamConnection::receive_encrypted(MutableBytes bytes) {
    if (tls_->drained || state_ == ConnectionState::closed) return 0;
    const platform::IoResult result = reactor_->poller().receive(*this, bytes);
    tls_->drained = true;
    switch (result.status) {
        case platform::IoStatus::done:
            last_activity_ = reactor_->turn_time();
            tls_->received += result.bytes;
            // A full buffer may not be all, but the others have their turn too.
            tls_->drained = result.bytes < bytes.size() || tls_->received >= reactor_->receive_buffer().size();
            return result.bytes;
        case platform::IoStatus::would_block:
            return 0;
        case platform::IoStatus::end:
            tls_->peer_finished = true;
            return 0;
        case platform::IoStatus::no_descriptors:
        case platform::IoStatus::failed:
            tls_->receive_error = result.error;
            return 0;
    }
    return 0;
}

/// The handler gets what there is a record's worth at a time, so that what it answers is on its way while the rest is
/// decrypted; all its answers share the cork.
void StreamConnection::decrypt() {
    TlsSession::Decrypted decrypted{TlsSession::Step::wants_input, 0};
    {
        const CorkScope scope{*this};  // its end arms the socket again
        do {
            tls_->unread = receiving_held();
            if (tls_->unread) return;
            decrypted = decrypt_some();
        } while (state_ == ConnectionState::open && decrypted.step == TlsSession::Step::wants_input &&
                 decrypted.bytes != 0);
    }
    if (state_ != ConnectionState::closed) after_decrypting(decrypted.step);
}

TlsSession::Decrypted StreamConnection::decrypt_some() {
    reactor_->use_tls_buffers(*tls_);
    const MutableBytes plaintext = reactor_->receive_buffer();
    tls_->gathering = true;
    const TlsSession::Decrypted decrypted = tls_->session.decrypt(*tls_, plaintext, *tls_);
    tls_->gathering = false;
    if (!tls_->encrypted.empty()) flush_encrypted();
    // What OpenSSL answers by itself (refused renegotiations) has no watermark.
    if (encrypted_bytes() > owner_->options().max_pending_bytes) finish(CloseReason::slow_consumer, {});
    if (state_ == ConnectionState::closed || decrypted.bytes == 0) return decrypted;
    deliver(plaintext.first(decrypted.bytes));
    if (state_ != ConnectionState::closed) send_large_part();
    return decrypted;
}

/// Who is alone gets the answers to a record while the next one is decrypted, if they are most of a record.
void StreamConnection::send_large_part() {
    const Cork& cork = reactor_->cork();
    if (reactor_->gathers_records() || cork.owner() != this || cork.size() < TlsSession::max_record_bytes / 2) return;
    flush_cork();
}

void StreamConnection::after_decrypting(TlsSession::Step step) {
    if (step == TlsSession::Step::failed) {
        finish(CloseReason::tls_error, tls_->session.error());
    } else if (step == TlsSession::Step::ended) {
        tls_->ended = true;
        if (!receiving_held()) received_end();
    } else if (tls_->receive_error != 0) {
        fail(tls_->receive_error);
    } else if (tls_->peer_finished) {
        received_end();
    } else {
        update_receiving();
    }
}

/// The handler paused, and goes on.
void StreamConnection::receive_unread() {
    if (state_ != ConnectionState::open || receiving_held() || !tls_->has_unread()) return;
    if (tls_->ended) {
        received_end();
    } else {
        decrypt();
    }
}

/// True if the end of the stream is the one that close_notify announced.
bool StreamConnection::take_tls_end() noexcept {
    if (tls_ == nullptr || !tls_->ended) return false;
    tls_->end_told = true;
    return true;
}

// Sending.

/// What a callback sends: a record is made as soon as it is full.
void StreamConnection::append_records(Bytes bytes) {
    Cork& cork = reactor_->cork();
    const std::size_t missing = TlsSession::max_record_bytes - cork.size();
    if (bytes.size() < missing) {
        cork.append(bytes);
        return;
    }
    if (cork.size() != 0) {
        cork.append(bytes.first(missing));
        bytes = bytes.subspan(missing);
        flush_cork();
    }
    const std::size_t whole = bytes.size() - bytes.size() % TlsSession::max_record_bytes;
    if (state_ != ConnectionState::closed) write_records(bytes.first(whole));
    if (state_ == ConnectionState::closed) return;
    bytes = bytes.subspan(whole);
    if (queue_.empty()) {
        cork.append(bytes);
    } else {
        enqueue(bytes);
    }
}

/// Encrypts while the kernel takes it; the rest is queued as it is.
void StreamConnection::write_records(Bytes bytes) {
    while (!bytes.empty()) {
        if (blocked_ || !queue_.empty() || reactor_->cork().budget_spent()) {
            enqueue(bytes);
            if (!blocked_) reactor_->mark_dirty(*this);
            return;
        }
        const Bytes record = bytes.first(std::min(bytes.size(), TlsSession::max_record_bytes));
        if (!encrypt(record)) return;
        count_sent(record.size());
        bytes = bytes.subspan(record.size());
    }
}

bool StreamConnection::encrypt(Bytes record) {
    reactor_->use_tls_buffers(*tls_);
    if (!tls_->session.encrypt(record, *tls_)) finish(CloseReason::tls_error, tls_->session.error());
    if (state_ == ConnectionState::closed) return false;
    if (!has_room_for_record()) reactor_->cork().close_lane();
    return true;
}

/// True if another record's worth may be sent without asking, beside what is encrypted already.
bool StreamConnection::has_room_for_record() const noexcept {
    return encrypted_bytes() + TlsSession::max_record_bytes <= unquestioned_bytes();
}

/// Small parts together, as many as fit into a record. Parts that fill one are better encrypted where they are.
Bytes StreamConnection::gather_record(std::span<const Bytes> parts) {
    const MutableBytes buffer = reactor_->record_buffer();
    std::size_t size = 0;
    for (const Bytes part : parts) {
        if (part.size() > buffer.size() - size) break;
        std::memcpy(buffer.data() + size, part.data(), part.size());
        size += part.size();
    }
    return buffer.first(size);
}

/// Encrypts one record of what waits. False if nothing waits, or the connection is over.
bool StreamConnection::encrypt_waiting() {
    std::array<Bytes, 4> parts;
    const std::size_t count = peek_sendable(parts);
    if (count == 0) return false;

    Bytes record = parts[0].first(std::min(parts[0].size(), TlsSession::max_record_bytes));
    if (count > 1 && record.size() + parts[1].size() <= TlsSession::max_record_bytes) {
        record = gather_record(std::span{parts}.first(count));
    }
    if (!encrypt(record)) return false;
    consumed(record.size());
    return true;
}

void StreamConnection::flush_records() {
    flush_encrypted();
    const bool nested = reactor_->record_cork().owner() == this;  // flushed by its own callback
    if (!nested) begin_records();
    while (!blocked_ && state_ != ConnectionState::closed && encrypt_waiting()) {
    }
    if (!nested) end_records();
}

void StreamConnection::flush_encrypted() {
    if (reactor_->record_cork().owner() == this) flush_record_cork();
    while (!blocked_ && tls_ != nullptr && !tls_->encrypted.empty()) {
        std::array<Bytes, platform::max_send_parts> parts;
        const std::size_t count = tls_->encrypted.peek(parts);
        const platform::IoResult result = reactor_->poller().send(*this, std::span<const Bytes>{parts}.first(count));
        if (result.status == platform::IoStatus::failed) {
            fail(result.error);
            return;
        }
        std::size_t offered = 0;
        for (std::size_t i = 0; i < count; ++i) offered += parts[i].size();
        encrypted_sent(result.bytes);
        if (result.bytes < offered) block_sending();
    }
}

void StreamConnection::send_encrypted(Bytes bytes) {
    if (state_ == ConnectionState::closed) return;
    Cork& cork = reactor_->record_cork();
    const bool corked = cork.owner() == this;
    if (corked && (tls_->gathering || !cork.fits(bytes.size()))) flush_record_cork();
    if (state_ == ConnectionState::closed) return;
    if (tls_->gathering || blocked_ || !tls_->encrypted.empty()) {
        keep_encrypted(bytes);
    } else if (corked && cork.fits(bytes.size())) {
        cork.append(bytes);
    } else {
        send_or_keep(bytes);
    }
}

void StreamConnection::send_or_keep(Bytes bytes) {
    const platform::IoResult result = reactor_->poller().send(*this, bytes);
    if (result.status == platform::IoStatus::failed) {
        fail(result.error);
        return;
    }
    reactor_->cork().count_sent(result.bytes);
    if (result.bytes == bytes.size()) return;
    keep_encrypted(bytes.subspan(result.bytes));
    block_sending();
}

/// From here to `end_records`, the records that this connection makes may collect.
void StreamConnection::begin_records() {
    Cork& cork = reactor_->record_cork();
    if (reactor_->gathers_records() && cork.owner() == nullptr) cork.begin(*this, 0);
}

void StreamConnection::end_records() {
    Cork& cork = reactor_->record_cork();
    if (cork.owner() != this) return;
    if (cork.size() != 0) flush_record_cork();
    cork.release();
}

void StreamConnection::flush_record_cork() {
    Cork& cork = reactor_->record_cork();
    if (cork.size() != 0) send_or_keep(cork.take());
}

void StreamConnection::keep_encrypted(Bytes bytes) {
    tls_->encrypted.append(reactor_->send_slab(), bytes);
    owner_->counters().bytes_pending.add(bytes.size());
}

void StreamConnection::encrypted_sent(std::size_t count) {
    tls_->encrypted.consume(reactor_->send_slab(), count);
    owner_->counters().bytes_pending.subtract(count);
    if (count != 0) last_activity_ = reactor_->turn_time();
}

std::size_t StreamConnection::encrypted_bytes() const noexcept {
    const Cork& cork = reactor_->record_cork();
    return tls_->encrypted.size() + (cork.owner() == this ? cork.size() : 0);
}

void StreamConnection::drop_encrypted() {
    owner_->counters().bytes_pending.subtract(tls_->encrypted.size());
    tls_->encrypted.clear(reactor_->send_slab());
}

// Closing.

/// Everything is encrypted and sent: close_notify is the last. True when it is with the kernel too.
bool StreamConnection::close_notify_sent() {
    if (!tls_->close_notify) {
        tls_->close_notify = true;
        tls_->gathering = true;
        tls_->session.close(*tls_);
        tls_->gathering = false;
        flush_encrypted();
    }
    return state_ != ConnectionState::closed && encrypted_bytes() == 0;
}

}  // namespace pollux
