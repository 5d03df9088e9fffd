// Puts a .br and a .gz beside each text of dist/site/, so that the gateway never compresses while it answers, and says
// what the first load costs. A build over the budget fails.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = join(dirname(fileURLToPath(import.meta.url)), "..", "dist", "site");
const TEXT = /\.(html|js|css|svg|json|txt|webmanifest)$/;
const BUDGET = 350 * 1024;

function files(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (name === ".vite") return [];
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

const sizes = new Map();
for (const path of files(dist)) {
  if (!TEXT.test(path)) continue;
  const bytes = readFileSync(path);
  const br = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  writeFileSync(`${path}.br`, br);
  const gz = gzipSync(bytes, { level: 9 });
  writeFileSync(`${path}.gz`, gz);
  // Browsers ask for brotli over https alone, so the budget holds for gzip.
  sizes.set(relative(dist, path), gz.length);
}

// What a browser fetches to show a page: index.html, what it names, and all that these import at once.
const manifestPath = join(dist, ".vite", "manifest.json");
const manifest = existsSync(manifestPath) ? JSON.parse(readFileSync(manifestPath, "utf8")) : {};

function closure(keys, seen = new Set()) {
  const out = new Set();
  for (const key of keys) {
    const chunk = manifest[key];
    if (!chunk || seen.has(key)) continue;
    seen.add(key);
    out.add(chunk.file);
    for (const css of chunk.css ?? []) out.add(css);
    for (const file of closure(chunk.imports ?? [], seen)) out.add(file);
  }
  return out;
}

const weigh = (names) => [...names].reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
const shell = closure(["index.html"]);
shell.add("index.html");
console.log(`shell: ${kib(weigh(shell))} in ${shell.size} files (gzip)`);
let most = 0;
for (const key of Object.keys(manifest)) {
  if (!manifest[key].isDynamicEntry) continue;
  const all = new Set([...shell, ...closure([key])]);
  most = Math.max(most, weigh(all));
  console.log(`  first load of ${manifest[key].name ?? key}: ${kib(weigh(all))}`);
}
// It was needed here alone.
rmSync(join(dist, ".vite"), { recursive: true, force: true });
if (Math.max(most, weigh(shell)) > BUDGET) {
  console.error(`a first load is over the budget of ${kib(BUDGET)}`);
  process.exit(1);
}
