import type { Attributes } from "@skein/telemetry";
import type { Transfer } from "./transfer.ts";

export type DriverName = "s3" | "git" | "http" | "artifactory" | "raw";

/** What a location turned out to hold. */
export type ArtifactContent =
  | {
      kind: "stream";
      /** Undefined when the other side does not say. */
      sizeBytes: number | undefined;
      /**
       * To be read once. Ending the iteration early closes the connections behind it. What the other side knows of the
       * content is compared at its end.
       */
      stream: AsyncIterable<Uint8Array>;
      /**
       * Instead of `stream`, where the bytes are wanted as they are: brings them in any order, many pieces at once, each
       * with its place. Absent when they come on one connection anyway.
       */
      scatter?: (write: (chunks: readonly Uint8Array[], position: number) => Promise<void>) => Promise<void>;
      /** Files in the archive, when that was recorded. */
      files?: number | undefined;
    }
  | {
      kind: "directory";
      /** Fills an empty directory; never touches anything outside of it. */
      loadInto(directory: string): Promise<void>;
    };

/** Begins the bytes. A driver that copies each chunk before it asks for the next one says so with `lends`. */
export type OpenToSave = (how?: { lends: boolean }) => AsyncIterable<Uint8Array>;

export interface StreamToSave {
  /** Called again only if the bytes have to be sent anew. */
  open: OpenToSave;
  /** Decides the content type. */
  fileName: string;
  /** Undefined for an archive that is made while it is sent. */
  sizeBytes?: number;
  /** Files in an archive that is made while it is sent; asked when its last byte has been made. */
  files?: () => number;
}

/** One member of a directory that is saved. Paths are relative to the directory, with forward slashes. */
export type MemberToSave =
  | {
      type: "file";
      path: string;
      /** Undefined for a file that does not say how large it is. */
      sizeBytes: number | undefined;
      open: OpenToSave;
    }
  /** A directory with nothing in it; the others follow from their files. `""` is the whole, when it is empty. */
  | { type: "emptyDirectory"; path: string }
  /** A symbolic link, socket, pipe or device. */
  | { type: "other"; path: string; what: string };

export type MembersToSave = Iterable<MemberToSave> | AsyncIterable<MemberToSave>;

/**
 * One location, and what can be done with it. An operation that the kind of storage does not have is absent.
 * Every failure is an `ArtifactError`; what is transient has been retried within the policy's time, unless the
 * error still says so: then only starting the whole artifact again can help.
 */
export interface ArtifactDriver {
  readonly name: DriverName;
  /** The key or path, for people and for spans. git and raw have none. */
  readonly key?: string;
  /** Span attributes that are known before anything is asked. Never a credential. */
  readonly attributes: Attributes;
  /** Finds out what is there and begins to load it. */
  open(transfer: Transfer): Promise<ArtifactContent>;
  saveStream?(stream: StreamToSave, transfer: Transfer): Promise<void>;
  /** Every file of a directory as an object of its own; what cannot be an object is left out, and that is said. */
  saveDirectory?(members: MembersToSave, transfer: Transfer): Promise<void>;
  /** Removes the object, or every object below it. A missing one is no error. */
  delete?(transfer: Transfer): Promise<void>;
  /** The keys below the location. */
  listObjects?(transfer: Transfer): Promise<string[]>;
  isDirectory?(transfer: Transfer): Promise<boolean>;
  /** The size of the one object there; undefined when there is none. */
  stat?(transfer: Transfer): Promise<{ sizeBytes: number } | undefined>;
}
