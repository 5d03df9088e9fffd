// For work on the console alone: CONSOLE_SITE=dist/site puts the files of that folder before a gateway whose binary holds
// others, so that no gateway has to be built. Pages carry the headers of the gateway's own; all else goes through to it.
import { existsSync, readFileSync, statSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { extname, join, resolve } from "node:path";

const KINDS = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
const RESERVED = /^\/(?:api|healthz|readyz|metrics)(?:\/|$)/;

export async function startFront(folder, admin) {
  const root = resolve(folder);
  const headers = fetch(`http://127.0.0.1:${admin}/`, { headers: { accept: "text/html" } }).then((answer) => {
    const { "content-length": _, "content-encoding": __, etag: ___, ...kept } = Object.fromEntries(answer.headers);
    return kept;
  });
  const fileOf = (path, accept) => {
    const file = join(root, path);
    if (path !== "/" && existsSync(file) && statSync(file).isFile()) return file;
    return accept?.includes("text/html") && !extname(path) ? join(root, "index.html") : null;
  };
  const server = http.createServer(async (request, response) => {
    const path = request.url.split("?")[0];
    const file = request.method === "GET" && !RESERVED.test(path) ? fileOf(path, request.headers.accept) : null;
    if (file) {
      response.writeHead(200, {
        ...(await headers),
        "content-type": KINDS[extname(file)] ?? "application/octet-stream",
      });
      response.end(readFileSync(file));
      return;
    }
    const { method, url } = request;
    const onward = http.request({ host: "127.0.0.1", port: admin, method, path: url, headers: request.headers });
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(response);
      answer.on("error", () => response.destroy());
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  server.on("upgrade", (request, socket, head) => {
    const onward = net.connect(admin, "127.0.0.1", () => {
      const pairs = [];
      for (let at = 0; at < request.rawHeaders.length; at += 2)
        pairs.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
      onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${pairs.join("\r\n")}\r\n\r\n`);
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
    onward.on("close", () => socket.destroy());
    socket.on("close", () => onward.destroy());
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return server;
}
