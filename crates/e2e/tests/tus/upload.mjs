// Uploads a file with tus-js-client, lets go in the middle, and goes on with another client.
import { readFileSync } from "node:fs";
import { Upload } from "tus-js-client";

const [endpoint, token, path] = process.argv.slice(2);
const file = readFileSync(path);
const options = { chunkSize: Math.ceil(file.length / 5), headers: { Authorization: `Bearer ${token}` }, retryDelays: [] };

const begun = await new Promise((resolve, reject) => {
  const upload = new Upload(file, {
    ...options,
    endpoint,
    onError: reject,
    onChunkComplete: async (_size, accepted, total) => {
      if (accepted > total / 3) {
        await upload.abort();
        resolve({ url: upload.url, accepted });
      }
    },
  });
  upload.start();
});

let first;
const url = await new Promise((resolve, reject) => {
  const upload = new Upload(file, {
    ...options,
    uploadUrl: begun.url,
    onError: reject,
    onProgress: (sent) => {
      first ??= sent;
    },
    onSuccess: () => resolve(upload.url),
  });
  upload.start();
});
console.log(JSON.stringify({ url, accepted: begun.accepted, first }));
