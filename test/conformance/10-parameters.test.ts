import { conformance } from "./support/conformance.ts";

const sh = (script: string) => ["sh", "-ec", script];
const parameter = (name: string, path: string, more: object = {}) => ({
  name,
  valueFrom: { path, ...more },
});

conformance("output parameters", [
  {
    section: "10.1",
    statement: "a parameter is read from the image's own file system, less exactly one final newline",
    pod: {
      template: { container: {}, outputs: { parameters: [parameter("p", "/tmp/p")] } },
      argv: sh("printf 'a\\n\\n' >/tmp/p"),
    },
    expect: { outputs: { parameters: [{ ...parameter("p", "/tmp/p"), value: "a\n" }] } },
  },
  {
    section: "10.1",
    statement: "a parameter whose path is in a volume is read through /mainctrfs",
    pod: {
      template: {
        container: { volumeMounts: [{ name: "w", mountPath: "/work" }] },
        outputs: { parameters: [parameter("p", "/work/p")] },
      },
      volumes: ["/work"],
      argv: sh("echo v >/work/p"),
    },
    expect: { outputs: { parameters: [{ ...parameter("p", "/work/p"), value: "v" }] } },
  },
]);
