// The page of the chat: what the WebSocket servers of the examples show in a browser.
#pragma once

#include <string_view>

#include <pollux/http/server.h>

namespace chat::page {

/// Everything comes from the server itself, and no script and no style stands in the page: text of a member that got
/// into it as markup would still not run.
inline constexpr std::string_view policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

inline constexpr std::string_view html = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Chat</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="chat.css">
<script src="chat.js" defer></script>
</head>
<body>
<h1>Chat <span id="state" role="status">connecting</span></h1>
<ol id="lines" aria-live="polite"></ol>
<form id="form">
<input id="line" aria-label="Message" maxlength="1000" autocomplete="off" autofocus disabled>
<button id="send" disabled>Send</button>
</form>
</body>
</html>
)";

inline constexpr std::string_view style = R"(body {
    display: flex;
    flex-direction: column;
    box-sizing: border-box;
    height: 100vh;
    max-width: 50em;
    margin: 0 auto;
    padding: 1em;
    font-family: sans-serif;
}
h1 { margin: 0; font-size: 1.2em; }
#state { font-weight: normal; color: #666; }
#lines { flex: 1; overflow-y: auto; margin: 1em 0; padding: 0; list-style: none; }
#lines li { padding: 0.2em 0; overflow-wrap: anywhere; }
form { display: flex; gap: 0.5em; }
input { flex: 1; }
input, button { padding: 0.5em; font: inherit; }
)";

inline constexpr std::string_view script = R"('use strict';

const lines = document.getElementById('lines');
const input = document.getElementById('line');
const button = document.getElementById('send');
const state = document.getElementById('state');
const mostLines = 500;
let socket;

function show(text) {
    const item = document.createElement('li');
    item.textContent = text;  // never as markup: others wrote it
    lines.append(item);
    while (lines.childElementCount > mostLines) lines.firstElementChild.remove();
    lines.scrollTop = lines.scrollHeight;
}

function setOpen(open, text) {
    state.textContent = text;
    input.disabled = button.disabled = !open;
    if (open) input.focus();
}

function connect() {
    const url = new URL('ws', location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    socket = new WebSocket(url.href);
    socket.onopen = () => setOpen(true, 'connected');
    socket.onmessage = (event) => show(event.data);
    socket.onclose = (event) => {
        setOpen(false, 'disconnected (' + event.code + '), connecting again');
        setTimeout(connect, 1000);
    };
}

document.getElementById('form').addEventListener('submit', (event) => {
    event.preventDefault();
    if (input.value === '' || socket.readyState !== WebSocket.OPEN) return;
    socket.send(input.value);
    input.value = '';
});

connect();
)";

/// A route to one of the files.
inline pollux::http::RouteFunction file(std::string_view type, std::string_view text) {
    return [type, text](const pollux::http::Request&, pollux::http::Response& response) {
        response.content_type(type);
        response.header("Content-Security-Policy", policy);
        response.header("X-Content-Type-Options", "nosniff");
        response.header("Cache-Control", "no-cache");
        response.send(text);
    };
}

/// Adds the page to a router or a group of it.
template <class Routes>
void add_to(Routes& routes) {
    routes.get("/", file("text/html; charset=utf-8", html))
        .get("/chat.css", file("text/css; charset=utf-8", style))
        .get("/chat.js", file("text/javascript; charset=utf-8", script));
}

}  // namespace chat::page
