"""Our HTTP server against Node's http client: an agent that keeps connections, streams and trailers."""
import os
import shutil

from harness import HttpServerTest, certificate

SCRIPT = """
const [url, size] = process.argv.slice(2);
const http = require(url.startsWith('https') ? 'https' : 'http');
const agent = new http.Agent({keepAlive: true, maxSockets: 2});
const sockets = new Set();

function ask(method, path, body, chunked) {
    return new Promise((done, fail) => {
        const options = {method, agent, headers: chunked ? {} : {'Content-Length': Buffer.byteLength(body)}};
        const request = http.request(url + path, options, (response) => {
            const parts = [];
            response.on('data', (part) => parts.push(part));
            response.on('end', () => done({response, text: Buffer.concat(parts).toString()}));
            response.on('error', fail);
        });
        request.on('error', fail);
        request.on('socket', (socket) => sockets.add(socket));
        if (chunked) for (let at = 0; at < body.length; at += 10000) request.write(body.slice(at, at + 10000));
        chunked ? request.end() : request.end(body);
    });
}

function check(what, holds) {
    if (!holds) throw new Error(what);
}

(async () => {
    await Promise.all([...Array(50).keys()].map(async (number) => {
        const {response, text} = await ask('GET', '/bytes/' + number, '', false);
        check('status', response.statusCode === 200 && text.length === number);
    }));
    check('connections are kept', sockets.size === 2);
    const body = 'abcdefg'.repeat(size);
    for (const chunked of [false, true]) {
        check('echo', (await ask('POST', '/echo', body, chunked)).text === body);
        check('whole', (await ask('PUT', '/request/', body, chunked)).text.includes('body=' + body.length + '\\n'));
    }
    const {response} = await ask('GET', '/chunks/5000', '', false);
    check('trailer', response.trailers['x-trailer'] === 'behind');
    check('head', (await ask('HEAD', '/bytes/77', '', false)).response.headers['content-length'] === '77');
    check('none', (await ask('GET', '/none', '', false)).response.statusCode === 404);
    agent.destroy();
    console.log('all done');
})().catch((error) => {
    console.log(error);
    process.exit(1);
});
"""


class NodeTest(HttpServerTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("node"):
            self.skipTest("there is no command node")

    def check_client(self, *options):
        server = self.http_server(*options)
        script = self.folder / "client.js"
        script.write_text(SCRIPT)
        environment = dict(os.environ, NODE_EXTRA_CA_CERTS=str(certificate("ca.pem")))
        node = self.start("node", ["node", script, server.url, "300000"], environment)
        self.assertEqual(node.wait(), 0, node.transcript())
        self.assert_says(node, "^all done$")

    def test_client(self):
        self.check_client("--plain")

    def test_client_over_tls(self):
        self.check_client()
