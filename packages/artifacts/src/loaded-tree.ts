import { openSync } from "node:fs";
import {
  type CleanName,
  DirectoryHandles,
  makeDirectoryForAll,
  makingDirectories,
  toRaw,
} from "@skein/archive";
import { FILE_MODE, NEW_FILE } from "./write-new-file.ts";

/**
 * Where the members of a directory are put: below one directory of ours. Parents are handles, each opened or made from its own
 * parent's: in a volume that others write to as well, a directory that becomes a link leads no member elsewhere.
 */
export class LoadedTree {
  readonly #handles: DirectoryHandles;

  /** @param directory is there, and empty */
  constructor(directory: string) {
    this.#handles = new DirectoryHandles(
      toRaw(directory),
      makingDirectories(() => false, makeDirectoryForAll), // for whoever runs main (contract §22.14)
    );
  }

  /** With its parents; one that is there already is fine. */
  makeDirectory(name: CleanName): void {
    this.#handles.handle(name);
  }

  /** @returns a descriptor of a file that was not there, for the caller to close */
  createFile(name: CleanName): number {
    return this.#handles.withPlace(name, (place) => openSync(place, NEW_FILE, FILE_MODE));
  }

  close(): void {
    this.#handles.close();
  }
}
