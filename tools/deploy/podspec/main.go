// Podspec does to a pod what a workflow-controller does with two strings that people write: a podSpecPatch, and the key
// `executor` of its ConfigMap. It uses the libraries that the controller uses, so that `make deploy-test` sees what it sees.
//
//	podspec patch POD PATCH…   prints the pod with the patches merged into its spec, in their order
//	podspec executor FILE      prints the container that FILE describes; an unknown field is an error
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"
)

func main() {
	result, err := run(os.Args[1:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "podspec:", err)
		os.Exit(1)
	}
}

func run(args []string) (any, error) {
	switch {
	case len(args) >= 2 && args[0] == "patch":
		return patchPod(args[1], args[2:])
	case len(args) == 2 && args[0] == "executor":
		return parseExecutor(args[1])
	default:
		return nil, errors.New("usage: podspec patch POD PATCH… | podspec executor FILE")
	}
}

// patchPod follows workflow/util/util.go:ApplyPodSpecPatch, which is the same from v3.5 to v4.0.
func patchPod(podFile string, patchFiles []string) (*corev1.Pod, error) {
	var pod corev1.Pod
	if err := readYAML(podFile, &pod); err != nil {
		return nil, err
	}
	spec, err := json.Marshal(pod.Spec)
	if err != nil {
		return nil, err
	}
	for _, file := range patchFiles {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		patch, err := yaml.YAMLToJSON(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		// Stricter than a controller, which passes over misspelt fields.
		if err := yaml.UnmarshalStrict(text, &corev1.PodSpec{}); err != nil {
			return nil, fmt.Errorf("%s is no pod spec: %w", file, err)
		}
		if spec, err = strategicpatch.StrategicMergePatch(spec, patch, corev1.PodSpec{}); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	pod.Spec = corev1.PodSpec{}
	if err := json.Unmarshal(spec, &pod.Spec); err != nil {
		return nil, err
	}
	return &pod, nil
}

// parseExecutor follows config/controller.go:parseConfigMap, where an unknown field ends the controller.
func parseExecutor(file string) (*corev1.Container, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var container corev1.Container
	if err := yaml.UnmarshalStrict(text, &container); err != nil {
		return nil, fmt.Errorf("%s is no container: %w", file, err)
	}
	return &container, nil
}

func readYAML(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
