// Node's package ws as a peer of ours, found in NODE_PATH; the roles, options and orders are those of ws_python.py.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const https = require('https');
const WebSocket = require('ws');

const sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20];
const say = (...words) => console.log(...words);
const file = (path) => path && fs.readFileSync(path);

/** A parameter of RFC 7692 as ws names it. */
const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** What clients and servers are given. */
function common(options) {
    const deflate = options.deflate && Object.fromEntries(
        Object.entries(options.deflate).map(([name, value]) => [camel(name), value]));
    return {perMessageDeflate: deflate ? {threshold: 0, ...deflate} : false, maxPayload: 1 << 21};
}

function connect(url, options) {
    const {protocols = [], origin, ca} = options;
    return new WebSocket(url, protocols, {...common(options), origin, ca: file(ca)});
}

function sayOpen(socket) {
    say(`open protocol=${socket.protocol} deflates=${Number(socket.extensions !== '')}`);
}

function sayClose(code, reason) {
    say(`close ${code} ${reason}`);
}

function check(what, holds) {
    if (!holds) throw new Error(what);
}

function once(socket, event) {
    return new Promise((done) => socket.once(event, (...values) => done(values)));
}

async function exercise(socket) {
    const echoed = async (what, expected, isText) => {
        const [data, isBinary] = await once(socket, 'message');
        check(what, data.equals(Buffer.from(expected)) && isBinary !== isText);
    };
    for (const size of sizes) {
        const text = 'x1y2z3w4'.repeat(size / 8 + 1).slice(0, size);
        socket.send(text);
        await echoed(`text of ${size}`, text, true);
        const bytes = crypto.randomBytes(size);
        socket.send(bytes);
        await echoed(`binary of ${size}`, bytes, false);
    }
    socket.send('gr\u00fc\u00dfe \u65e5\u672c \u{1f388}');
    await echoed('characters', 'gr\u00fc\u00dfe \u65e5\u672c \u{1f388}', true);

    const part = 'y'.repeat(70000);
    socket.send('a', {fin: false});
    socket.ping('between');
    socket.send('', {fin: false});
    socket.send(part, {fin: false});
    socket.send('z', {fin: true});
    const [pong] = await once(socket, 'pong');
    check('pong', pong.toString() === 'between');
    await echoed('fragments', 'a' + part + 'z', true);

    for (let number = 0; number < 1000; ++number) socket.send('number ' + number);
    let next = 0;
    await new Promise((done) => socket.on('message', (data) => {
        check('order', data.toString() === 'number ' + next);
        if (++next === 1000) done();
    }));
    socket.close(4321, 'bye');
    const [code, reason] = await once(socket, 'close');
    sayClose(code, reason);
    say('all done');
}

function obey(socket, [verb, ...words]) {
    if (verb === '!ping') {
        socket.once('pong', (payload) => socket.send('pong ' + payload));
        socket.ping(words[0]);
    } else if (verb === '!parts') {
        words.forEach((word, index) => socket.send(word, {fin: index === words.length - 1}));
    } else if (verb === '!close') {
        socket.close(Number(words[0]), words.slice(1).join(' '));
    }
}

function echo(socket) {
    sayOpen(socket);
    socket.on('close', sayClose);
    socket.on('error', (error) => say('error', error.message));
    socket.on('message', (data, isBinary) => {
        const text = isBinary ? '' : data.toString();
        text.startsWith('!') ? obey(socket, text.split(' ')) : socket.send(data, {binary: isBinary});
    });
}

function runClient(url, options) {
    const socket = connect(url, options);
    socket.on('open', () => {
        sayOpen(socket);
        exercise(socket).catch((error) => {
            say(error);
            process.exit(1);
        });
    });
}

function runEcho(url, options) {
    const socket = connect(url, options);
    socket.on('unexpected-response', (request, response) => {
        say('refused', response.statusCode);
        response.destroy();
    });
    socket.on('open', () => {
        echo(socket);
        if (options.first) socket.send('x'.repeat(options.first));
    });
}

function runServer(options) {
    const identity = {cert: file(options.certificate), key: file(options.key)};
    const below = options.certificate ? https.createServer(identity) : http.createServer();
    const server = new WebSocket.Server({
        server: below,
        handleProtocols: (offered) => (options.protocols || []).find((protocol) => offered.has(protocol)) || false,
        verifyClient: ({req}, done) => done(!req.url.startsWith('/refuse'), 403),
        ...common(options),
    });
    server.on('connection', echo);
    below.listen(0, '127.0.0.1', () => say('listening', below.address().port));
    process.stdin.on('end', () => process.exit(0));
    process.stdin.resume();
}

const [role, ...words] = process.argv.slice(2);
const options = JSON.parse(words.pop());
({client: runClient, echo: runEcho, server: runServer})[role](...words, options);
