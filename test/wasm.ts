/** AssemblyScript → the module that holds it as text: `npm run wasm` writes it; a test sees that it was written. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import asc from "assemblyscript/asc";

const folder = join(import.meta.dirname, "../src/jobs/headers/sinks");
const options = ["--optimizeLevel", "3", "--runtime", "stub", "--enable", "simd", "--initialMemory", "8"];

/** The text of ndjson-rows.ts. Rejects with what the compiler says. */
export async function compiled(): Promise<string> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    ["ndjson-rows.as.ts", "--baseDir", folder, "--outFile", "rows.wasm", ...options],
    {
      writeFile: (_name, contents) => {
        if (typeof contents !== "string") wasm = contents;
      },
    },
  );
  if (error || wasm === undefined) throw new Error(`${error?.message}: ${stderr.toString()}`);
  const lines =
    Buffer.from(wasm)
      .toString("base64")
      .match(/.{1,116}/g) ?? [];
  return [
    "/** Made from ndjson-rows.as.ts by `npm run wasm`. */",
    `export const NDJSON_ROWS =\n${lines.map((line) => `  "${line}"`).join(" +\n")};`,
    "",
  ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await writeFile(join(folder, "ndjson-rows.ts"), await compiled());
}
