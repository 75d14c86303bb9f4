// Command exec is the one part of a kubelet that an API server asks for by itself: it runs commands in containers, as
// `kubectl exec` and a workflow controller that ends a container have it. The containers are podman's, named
// POD_CONTAINER.
//
//	exec ADDRESS CERTIFICATE KEY
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"

	"k8s.io/apimachinery/pkg/types"
	streams "k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/client-go/tools/remotecommand"
	kubelet "k8s.io/kubelet/pkg/cri/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

const (
	idleTimeout   = 5 * time.Minute
	streamTimeout = 30 * time.Second
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: exec ADDRESS CERTIFICATE KEY")
		os.Exit(2)
	}
	http.HandleFunc("/exec/{namespace}/{pod}/{container}", serve)
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	fmt.Fprintln(os.Stderr, http.ListenAndServeTLS(os.Args[1], os.Args[2], os.Args[3], nil))
	os.Exit(1)
}

func serve(w http.ResponseWriter, r *http.Request) {
	options, err := kubelet.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	command := r.URL.Query()["command"]
	kubelet.ServeExec(w, r, containers{}, r.PathValue("pod"), "", r.PathValue("container"), command, options,
		idleTimeout, streamTimeout, streams.SupportedStreamingProtocols)
}

type containers struct{}

func (containers) ExecInContainer(ctx context.Context, pod string, _ types.UID, container string, command []string,
	in io.Reader, out, errs io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	podman := exec.CommandContext(ctx, "podman", append([]string{"exec", pod + "_" + container}, command...)...)
	podman.Stdin = in
	// Not set to an interface that holds nil: exec would write to it.
	if out != nil {
		podman.Stdout = out
	}
	if errs != nil {
		podman.Stderr = errs
	}
	err := podman.Run()
	fmt.Fprintf(os.Stderr, "%s %s: %q: %v\n", pod, container, command, err)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return utilexec.CodeExitError{Err: err, Code: ended.ExitCode()}
	}
	return err
}
