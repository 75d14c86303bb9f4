import { expect, it } from "vitest";
import { sizesPage } from "./sizes.ts";

const layer = (megabytes: number) => ({
  bytes: megabytes * 1e6,
  compressedBytes: megabytes * 5e5,
  digest: "",
});
/** As many as the Dockerfile makes of each kind. */
const withGit = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(layer);
const withoutGit = [1, 2, 6, 7, 8, 9].map(layer);

it("names each layer, says which are in wait, and what a new version brings", () => {
  const page = sizesPage(
    [
      { image: "localhost/skein/argoexec:dev", layers: withGit },
      { image: "localhost/skein/wait:dev", layers: withoutGit },
    ],
    "linux/amd64",
  );
  expect(page).toContain("| Node.js | 2.0 | 1.0 | yes |");
  expect(page).toContain("| git-lfs | 5.0 | 2.5 | – |");
  expect(page).toContain("| the front | 9.0 | 4.5 | yes |");
  expect(page).toContain("| **`argoexec`, `init`** | **45.0** | **22.5** | |");
  expect(page).toContain("| **`wait`** | **33.0** | **16.5** | |");
  expect(page).toContain("brings the last 4 layers: 30.0 MB, 15.0 compressed");
});
