// The TLS side of a connection.
#include "stream_tls.h"

#include <algorithm>
#include <array>
#include <cstring>

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
        continue_handshake({});
    }
}

bool StreamConnection::make_session() {
    SslPointer ssl = owner_->make_tls();
    if (ssl != nullptr) tls_ = reactor_->create_tls(*this, std::move(ssl));
    if (tls_ == nullptr) finish(CloseReason::tls_error, take_tls_error());
    return tls_ != nullptr;
}

void StreamConnection::continue_handshake(Bytes input) {
    const Time begin = platform::Poller::now();
    tls_->gathering = true;
    const TlsSession::Step step = tls_->session.handshake(input, *tls_);
    tls_->gathering = false;
    reactor_->count_handshake(platform::Poller::now() - begin);
    flush_encrypted();
    if (state_ == ConnectionState::closed) return;
    if (step == TlsSession::Step::failed) {
        tls_failed();
    } else if (step == TlsSession::Step::wants_input) {
        update_receiving();
    } else {
        tls_->session.keep_buffers();
        announce();
        if (state_ == ConnectionState::open && !input.empty()) receive_encrypted(input);
    }
}

void StreamConnection::tls_failed() {
    finish(CloseReason::tls_error, tls_->session.error());
}

// Receiving.

void StreamConnection::receive_encrypted(Bytes input) {
    if (tls_ == nullptr && !make_session()) return;
    if (state_ == ConnectionState::handshaking) {
        continue_handshake(input);
    } else if (receiving_held()) {
        keep(input);
    } else {
        decrypt(input);
    }
}

/// `input` is in the receive buffer.
void StreamConnection::decrypt(Bytes input) {
    reactor_->use_tls_buffers(*tls_);
    const MutableBytes plaintext = reactor_->plaintext_buffer();
    tls_->gathering = true;
    const TlsSession::Decrypted decrypted = tls_->session.decrypt(input, plaintext, *tls_);
    tls_->gathering = false;
    flush_encrypted();
    // What OpenSSL answers by itself (refused renegotiations) has no watermark.
    if (encrypted_bytes() > owner_->options().max_pending_bytes) finish(CloseReason::slow_consumer, {});
    if (state_ == ConnectionState::closed) return;
    if (decrypted.bytes != 0) deliver(plaintext.first(decrypted.bytes));
    if (state_ == ConnectionState::closed) return;
    if (decrypted.step == TlsSession::Step::failed) {
        tls_failed();
    } else if (decrypted.step == TlsSession::Step::ended) {
        tls_->ended = true;
        if (!receiving_held()) received_end();
    } else if (decrypted.bytes == 0) {
        update_receiving();
    }
}

/// `on_open` paused, and this came in the same segment as the end of the handshake.
void StreamConnection::keep(Bytes input) {
    tls_->kept.append(reactor_->send_slab(), input);
    update_receiving();
}

void StreamConnection::receive_kept() {
    while (state_ == ConnectionState::open && !receiving_held() && !tls_->kept.empty()) {
        const MutableBytes buffer = reactor_->receive_buffer();
        std::array<Bytes, 1> front;
        static_cast<void>(tls_->kept.peek(front));
        const std::size_t size = std::min(front[0].size(), buffer.size());
        std::memcpy(buffer.data(), front[0].data(), size);
        tls_->kept.consume(reactor_->send_slab(), size);
        decrypt(buffer.first(size));
    }
    if (state_ == ConnectionState::open && !receiving_held() && tls_->ended && !tls_->end_told) received_end();
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
    if (!tls_->session.encrypt(record, *tls_)) tls_failed();
    return state_ != ConnectionState::closed;
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
    std::size_t count = queue_.peek(parts);
    if (cursor_.attached()) count += owner_->log()->peek(cursor_, std::span{parts}.subspan(count));
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
    if (reactor_->gathers_records() && cork.owner() == nullptr) cork.begin(*this);
}

void StreamConnection::end_records() {
    Cork& cork = reactor_->record_cork();
    if (cork.owner() != this) return;
    if (cork.size() != 0) flush_record_cork();
    cork.end();
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
    tls_->kept.clear(reactor_->send_slab());
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
