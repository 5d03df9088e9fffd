import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The admin listener that `npm run dev` asks: PORTCULLIS_ADMIN=http://127.0.0.1:9901
const admin = process.env.PORTCULLIS_ADMIN ?? "http://127.0.0.1:9901";
// The gateway takes changes only from its own origin, so what the dev server passes on says that it comes from there.
const proxy = {
  target: admin,
  ws: true,
  changeOrigin: true,
  headers: { origin: admin },
};

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": proxy, "/metrics": proxy, "/healthz": proxy, "/readyz": proxy },
  },
  build: {
    // The folder above is always there, so that cargo can watch it.
    outDir: "dist/site",
    emptyOutDir: true,
    target: "es2022",
    manifest: true,
    // Nothing inline: the policy of the page allows no data: scripts, and the files are cached for good.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test/setup.ts"],
    restoreMocks: true,
    // One process for all files: on a busy machine the start of each costs more than its tests.
    isolate: false,
    // A hang must end; a slow machine must not.
    testTimeout: 60_000,
  },
});
