export const HELP = `argoexec is the executor container of Argo Workflows (this one is Skein's).

Usage:
  argoexec [command] [flags]

Commands of the executor's own containers:
  init         stage files and load input artifacts
  wait         wait for the main containers, then save and report their outputs
  supervisor   both, in a pod without an init container
  version      print version information

For people:
  doctor       look at what usually goes wrong around an executor; its flags: argoexec doctor --help

Commands that run in the user's containers:
  emissary     run a command and keep what it prints and writes
  kill         send a signal to a process

Flags:
  --loglevel string     debug, info, warn or error (default "info")
  --log-format string   text or json (default "text")
  --gloglevel int       accepted for compatibility
  --kubeconfig string   path to a kubeconfig; the pod's service account otherwise
  -n, --namespace string
  --as, --as-group, --as-uid, --certificate-authority, --client-certificate, --client-key, --cluster, --context,
  --disable-compression, --insecure-skip-tls-verify, --password, --proxy-url, --request-timeout, --server,
  --tls-server-name, --token, --user, --username
                        as in kubectl
`;
