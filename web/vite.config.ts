import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const server = process.env.DYTT_SERVER ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [svelte()],
  // The gateway owns `/assets/`; what is built here is below `/app/`.
  build: { assetsDir: 'app', target: 'es2022', modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: {
    // The server takes its own address from the request: a page's cookies are for that.
    proxy: Object.fromEntries(
      ['/api', '/media', '/assets', '/qr.svg', '/docs'].map((path) => [
        path,
        { target: server, changeOrigin: false },
      ]),
    ),
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
