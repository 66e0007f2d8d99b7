/** Builds the package once before all tests: those of the command line run what is shipped, which starts seven times faster. */
import { execFileSync } from "node:child_process";

export default function setup(): void {
  execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
}
