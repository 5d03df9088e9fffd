// Writes src/api/schema.gen.ts from the document that the gateway itself is tested against.
// Operation ids are left out: they repeat across subjects there, and openapi-typescript files operations by id.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const source = join(root, "..", "tests", "golden", "openapi.json");
const target = join(root, "src", "api", "schema.gen.ts");

const document = JSON.parse(readFileSync(source, "utf8"));
for (const item of Object.values(document.paths)) {
  for (const operation of Object.values(item)) {
    if (operation && typeof operation === "object") delete operation.operationId;
  }
}
const text = `// Generated from tests/golden/openapi.json by scripts/types.mjs.\n${astToString(await openapiTS(document))}`;
mkdirSync(dirname(target), { recursive: true });
let before = "";
try {
  before = readFileSync(target, "utf8");
} catch {
  // The first time there is none.
}
if (before !== text) writeFileSync(target, text);
