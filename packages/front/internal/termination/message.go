// Package termination writes the message the kubelet shows for a container that has ended.
package termination

import (
	"os"
	"unicode/utf8"
)

// The kubelet reads no more than this, and from the end; so a longer message would lose its beginning, which says
// most: https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
const maxMessageBytes = 4096

// WriteMessage replaces the message at path. The file is written in place, never renamed: the kubelet mounts it.
func WriteMessage(path, message string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.WriteString(cut(message)); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

func cut(message string) string {
	if len(message) <= maxMessageBytes {
		return message
	}
	end := maxMessageBytes
	for end > 0 && !utf8.RuneStart(message[end]) {
		end--
	}
	return message[:end]
}
