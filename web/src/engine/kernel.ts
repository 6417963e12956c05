/** The compiled kernel: bytes within the page, or beside it under Node. */

declare const KERNEL_BASE64: string | undefined; // which the bundler puts in

export async function compiled(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await bytes());
}

async function bytes(): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof KERNEL_BASE64 === "string") {
    return Uint8Array.from(atob(KERNEL_BASE64), (character) => character.charCodeAt(0));
  }
  const { readFile } = await import("node:fs/promises");
  return new Uint8Array(await readFile(new URL("../generated/kernel.wasm", import.meta.url)));
}
