/**
 * Builds each page into one HTML file that loads nothing: script, worker, style and kernel inside.
 *
 * At its end a page says what it was built of, so that a test without Node sees one that is out of date.
 */

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const INTO = "../src/goodinit/pages";
const LARGEST = 400_000; // bytes of a page

/** Return a checksum of the names and contents of what a page is made of, in the order of the names. */
async function sources() {
  const names = [];
  for (const folder of ["kernel", "src"]) {
    for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const name = `${file.parentPath}/${file.name}`.replaceAll("\\", "/");
      if (file.isFile() && !/\.test\.ts$|\.wasm$|reference\.json$/.test(name)) names.push(name);
    }
  }
  const sum = createHash("sha256");
  for (const name of [...names.sort(), "build.mjs", "package-lock.json"]) {
    sum.update(`${name}\n`).update(await readFile(name));
  }
  return sum.digest("hex");
}

const builtOf = await sources();
const kernel = (await readFile("src/generated/kernel.wasm")).toString("base64");

async function bundled(entry, define = {}) {
  const made = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    outdir: "out",
    format: "iife",
    target: "es2022",
    legalComments: "none",
    external: ["node:fs/promises"], // which only Node's side of kernel.ts imports
    logOverride: { "empty-import-meta": "silent" },
    define,
  });
  const of = (end) => made.outputFiles.find((file) => file.path.endsWith(end))?.text ?? "";
  return { script: of(".js"), style: of(".css") };
}

async function page(name, define = {}) {
  const { script, style } = await bundled(`src/${name}/main.ts`, define);
  const frame = await readFile(`src/${name}/${name}.html`, "utf-8");
  const html = frame
    .replace("/* style */", () => style)
    .replace("/* script */", () => script.replaceAll("</script", "<\\/script"))
    .concat(`<!-- built of ${builtOf} -->\n`);
  const size = Buffer.byteLength(html);
  if (size > LARGEST) throw new Error(`${name}.html is larger than ${LARGEST} bytes`);
  await writeFile(`${INTO}/${name}.html`, html);
  console.log(`${name}.html: ${size} bytes`);
}

const worker = await bundled("src/play/worker.ts", { KERNEL_BASE64: JSON.stringify(kernel) });
await mkdir(INTO, { recursive: true });
await page("play", { WORKER_SOURCE: JSON.stringify(worker.script) });
await page("report");
