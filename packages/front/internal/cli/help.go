package cli

const help = `argoexec is Skein's executor for Argo Workflows. The workflow-controller starts it; people seldom do.

Usage: argoexec COMMAND [FLAGS]

  init                      prepare a pod: stage files, load input artifacts
  wait                      wait for the main container, save its outputs, report them
  supervisor                both, in a pod without an init container
  emissary -- COMMAND ...   run COMMAND in a user's container and report its end
  resource ACTION           create, watch or delete a Kubernetes resource
  data                      transform a list of artifact paths
  agent init|main           run HTTP and plugin templates
  artifact delete           delete artifacts that are no longer needed
  artifact-plugin-init      load artifacts by a plugin
  artifact-plugin-sidecar   run a plugin
  kill SIGNAL PID           signal one process
  version [--short]         say which build this is
  doctor [--help]           for people: look at what usually goes wrong around an executor

Flags:
  --loglevel LEVEL          debug, info (default), warn or error
  --log-format FORMAT       text (default) or json
  --gloglevel N             taken and ignored
  --kubeconfig FILE         and kubectl's other connection flags, for commands that talk to the API server
`
