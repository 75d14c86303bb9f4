package trace

import (
	reference "crypto/sha256"
	"strings"
	"testing"
)

func TestSHA256IsThatOfTheStandardLibrary(t *testing.T) {
	for length := range 300 {
		message := []byte(strings.Repeat("artifact-passing-wd8qx-3585661328", 10)[:length])
		if got, want := sha256(message), reference.Sum256(message); got != want {
			t.Fatalf("%d bytes: %x, want %x", length, got, want)
		}
	}
}
