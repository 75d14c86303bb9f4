/** What the images take from Debian's packages, part by part; each part is a layer. */
export interface Part {
  name: "base" | "git" | "ssh" | "git-lfs";
  /** Programs and libraries that are opened by name: taken with the libraries that they are linked with. */
  programs: readonly string[];
  /** Files, and directories with all that is in them. */
  files?: readonly string[];
  /** Links by the paths that lead to them. */
  links?: Readonly<Record<string, string>>;
  /** Files that no package has. */
  written?: Readonly<Record<string, string>>;
  /** Directories that are empty. */
  directories?: readonly string[];
}

export interface PartsOptions {
  /** The Node.js of the image: it is no file of a package, and its libraries are those of every image. */
  node: string;
  /** Where the architecture's libraries are: `/usr/lib/x86_64-linux-gnu`. */
  libraries: string;
  certificates: string;
  knownHosts: string;
}

const CORE = "/usr/lib/git-core";
/** Those that glibc itself lists first; UTF-8 it knows without. */
const ENCODINGS = ["CP1252", "ISO8859-1", "ISO8859-15", "UTF-16", "UTF-32", "UTF-7"];

/** A library goes with the first part that needs it. */
export function createParts({ node, libraries, certificates, knownHosts }: PartsOptions): Part[] {
  return [
    {
      name: "base",
      programs: [node],
      files: ["/etc/mime.types", "/etc/debian_version", "/usr/share/zoneinfo", "/usr/share/common-licenses"],
      links: { "/etc/os-release": "../usr/lib/os-release" },
      written: {
        "/etc/ssl/certs/ca-certificates.crt": certificates,
        "/etc/ssh/ssh_known_hosts": knownHosts,
        "/etc/nsswitch.conf": "hosts: files dns\n",
        "/etc/passwd":
          "root:x:0:0:root:/root:/sbin/nologin\n" +
          "skein:x:8737:8737:skein:/tmp:/sbin/nologin\n" +
          "nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n",
        "/etc/group": "root:x:0:\nskein:x:8737:\nnogroup:x:65534:\n",
      },
      directories: ["/tmp", "/var/run/argo", "/argo", "/mainctrfs"],
    },
    {
      name: "git",
      programs: [
        "/usr/bin/git",
        `${CORE}/git-remote-http`,
        // git has a shell start ssh, filters and credential helpers; `git submodule` is a script that calls the others.
        "/usr/bin/dash",
        "/usr/bin/basename",
        "/usr/bin/sed",
        "/usr/bin/uname",
        // Files whose attribute `working-tree-encoding` says so, which git would else leave as they are.
        ...ENCODINGS.map((name) => `${libraries}/gconv/${name}.so`),
      ],
      files: [
        `${CORE}/git-remote-https`,
        `${CORE}/git-submodule`,
        `${CORE}/git-sh-setup`,
        `${CORE}/git-sh-i18n`,
        `${libraries}/gconv/gconv-modules`,
      ],
      links: {
        "/bin/sh": "/usr/bin/dash",
        // git looks for itself here, and for its other end on the way of a file:// URL.
        [`${CORE}/git`]: "../../bin/git",
        [`${CORE}/git-upload-pack`]: "../../bin/git",
      },
      directories: ["/usr/share/git-core/templates"],
    },
    // nss_wrapper gives a name to users who have none: ssh will not work for them without.
    { name: "ssh", programs: ["/usr/bin/ssh", `${libraries}/libnss_wrapper.so`] },
    { name: "git-lfs", programs: ["/usr/bin/git-lfs"] },
  ];
}

/** Twins of the whole tree, and what only `tzselect` reads. */
export const LEFT_OUT =
  /^\/usr\/share\/zoneinfo\/(posix|right|localtime|iso3166\.tab|zone.*\.tab|tzdata\.zi|leap.*)(\/|$)/;
